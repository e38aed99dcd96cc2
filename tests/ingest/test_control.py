"""The control socket: other processes append through the collector's journal."""

import socket
import stat
import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.control import CONNECTIONS_MAX, ControlClient, ControlServer
from ledger.errors import NotFound, Overloaded, Refused, TooLarge
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalWriter]:
    with JournalWriter.open(DataDir(tmp_path), clock=SystemClock(), rng=SystemRng(), seed=()) as writer:
        yield writer


@pytest.fixture
def path(tmp_path: Path, journal: JournalWriter) -> Iterator[Path]:
    path = DataDir(tmp_path).control_socket
    server = ControlServer(path, journal)
    yield path
    server.stop()


def test_an_appended_event_is_durable_and_has_a_number(path: Path, tmp_path: Path) -> None:
    draft = Draft("config.set", b'{"a":1}', key="config/a")
    with ControlClient(path) as client:
        event_seq = client.append(draft)
        assert client.append(Draft("config.set", b"{}", key="config/b")) == event_seq + 1
    reader = JournalReader(DataDir(tmp_path))
    event = reader.get(event_seq)
    reader.close()
    assert (event.kind, event.body, event.key, event.transport) == ("config.set", b'{"a":1}', "config/a", "control")


def test_only_the_owner_may_use_the_socket(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_clients_at_once_get_different_numbers(path: Path) -> None:
    def append(n: int) -> int:
        with ControlClient(path) as client:
            return client.append(Draft("config.set", b"{}", key=f"config/{n}"))

    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(append, range(32)))
    assert len(set(numbers)) == 32


def test_without_a_collector_the_client_says_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="spanledger serve"):
        ControlClient(tmp_path / "control.sock").append(Draft("config.set", b"{}"))


def test_a_socket_left_over_from_a_crash_is_replaced(tmp_path: Path, journal: JournalWriter) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NotFound):
        ControlClient(path).append(Draft("config.set", b"{}"))
    server = ControlServer(path, journal)
    with ControlClient(path) as client:
        assert client.append(Draft("config.set", b"{}")) >= 0
    server.stop()
    assert not path.exists()


def test_a_data_directory_deeper_than_a_socket_name_works(tmp_path: Path, journal: JournalWriter) -> None:
    path = tmp_path / ("deep" * 30) / "control.sock"
    server = ControlServer(path, journal)
    with ControlClient(path) as client:
        assert client.append(Draft("config.set", b"{}")) >= 0
    server.stop()


class RefusingJournal:
    """A journal that answers everything with one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def submit(self, draft: Draft) -> "Future[int]":
        future: Future[int] = Future()
        future.set_exception(self.error)
        return future


@pytest.mark.parametrize("error", [Overloaded("disk full"), Refused("no"), TooLarge("long")])
def test_the_journals_error_reaches_the_client_as_it_is(tmp_path: Path, error: Exception) -> None:
    server = ControlServer(tmp_path / "c.sock", RefusingJournal(error))
    with ControlClient(tmp_path / "c.sock") as client:
        for _ in range(2):
            with pytest.raises(type(error), match=str(error)):
                client.append(Draft("config.set", b"{}"))
    server.stop()


def test_a_length_beyond_the_bound_is_refused_before_it_is_read(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(5)
        raw.connect(str(path))
        raw.sendall(struct.pack("<I", 0xFFFF_FFFF))
        assert b"too_large" in raw.recv(4096)
        assert raw.recv(1) == b""


def test_connections_beyond_the_bound_are_closed(path: Path) -> None:
    clients = [ControlClient(path) for _ in range(CONNECTIONS_MAX)]
    for n, client in enumerate(clients):
        client.append(Draft("config.set", b"{}", key=str(n)))
    with pytest.raises(Overloaded):
        ControlClient(path).append(Draft("config.set", b"{}"))
    for client in clients:
        client.close()


def test_a_stop_ends_open_connections(tmp_path: Path, journal: JournalWriter) -> None:
    server = ControlServer(tmp_path / "c.sock", journal)
    client = ControlClient(tmp_path / "c.sock")
    client.append(Draft("config.set", b"{}"))
    server.stop()
    with pytest.raises(Overloaded):
        client.append(Draft("config.set", b"{}"))
    with pytest.raises(NotFound):
        client.append(Draft("config.set", b"{}"))

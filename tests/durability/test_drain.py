"""The end of the service, asked for in every way and at every moment: in order, in time, and nothing lost."""

import os
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ledger.paths import DataDir
from tests.durability.load import BareClient
from tests.durability.proof import catch_up, holds_exactly_once, wait_for_acks
from tests.durability.sdks import Stream, endpoint
from tests.e2e.javascript import javascript_sdk
from tests.service import Service, service, until

pytestmark = [pytest.mark.durability, pytest.mark.timeout(180)]

STOP_S, START_S = 3.0, 2.0
ON_THE_WAY_S = 0.05
"""A call that was made so shortly before the signal may not have reached the service yet."""
RETRYING = ("Python gRPC", "Python HTTP", "JS HTTP protobuf")
BATCHES = 10


def test_a_restart_under_load_loses_no_batch_of_an_sdk(tmp_path: Path) -> None:
    """JavaScript's gRPC exporter tries a batch once: calls in flight are answered, those at a closed port are lost."""
    javascript_sdk()
    with service(tmp_path) as one:
        one.start()
        streams = [Stream(kind, endpoint(kind, one.grpc, one.http)) for kind in (*RETRYING, "JS gRPC")]
        for stream in streams:
            stream.start()
        further(streams)
        told_s = time.time()
        code, stop_s = one.terminate()
        start_s = one.start()
        further(streams)
        records = [stream.finish() for stream in streams]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    lost = {stream.kind: [batch for batch in stream.batches if not batch.acked] for stream in streams}
    in_flight = [batch for batch in lost.pop("JS gRPC") if batch.sent_at_s < told_s - ON_THE_WAY_S]
    print(f"stopped in {stop_s:.2f} s, exit {code}, started in {start_s:.2f} s")
    for stream in streams:
        print(f"{stream.kind} | {len(stream.batches)} batches | lost {sum(not b.acked for b in stream.batches)}")
    assert code == 0
    assert stop_s <= STOP_S
    holds_exactly_once(one.data, records)
    assert in_flight == []
    assert not any(lost.values()), lost
    assert start_s <= START_S


def further(streams: list[Stream]) -> None:
    marks = {stream: len(stream.record.acked) + BATCHES for stream in streams}

    def done() -> bool:
        for stream in streams:
            if stream.error is not None:
                raise stream.error
        return all(len(stream.record.acked) >= mark for stream, mark in marks.items())

    until(done, 60, "an SDK gets no acks")


def twice(one: Service) -> None:
    tell(one, signal.SIGTERM)
    tell(one, signal.SIGTERM)


def interrupted(one: Service) -> None:
    """Ctrl-C goes to the whole process group."""
    assert one.process is not None
    os.killpg(one.process.pid, signal.SIGINT)


def terminated(one: Service) -> None:
    """As systemd does it: to every process at once."""
    assert one.process is not None
    os.killpg(one.process.pid, signal.SIGTERM)


def tell(one: Service, number: int) -> None:
    assert one.process is not None
    one.process.send_signal(number)


@pytest.mark.parametrize("how", [twice, interrupted, terminated])
def test_however_it_is_told_it_ends_in_order_and_loses_nothing(how: Callable[[Service], None], tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        client = BareClient(one.grpc)
        client.start()
        wait_for_acks([client])
        code, seconds = ends(one, how)
        one.start()
        wait_for_acks([client])
        record = client.finish()
        catch_up(one.data)
        assert one.terminate()[0] == 0
    print(f"{how.__name__}: exit {code} after {seconds:.2f} s")
    assert (code, seconds <= STOP_S) == (0, True), one.log.read_text()[-2000:]
    holds_exactly_once(one.data, [record])


def ends(one: Service, how: Callable[[Service], None]) -> tuple[int, float]:
    assert one.process is not None
    began = time.monotonic()
    how(one)
    return one.process.wait(timeout=30), time.monotonic() - began


@pytest.mark.parametrize("after_s", [0.3, 0.8, pytest.param(0.05, marks=pytest.mark.long)])
def test_told_while_it_starts_it_ends_and_starts_again(after_s: float, tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.launch()
        assert one.process is not None
        members = one.members
        threading.Event().wait(after_s)  # the moment is what is tested; whether it is ready by then does not matter
        children = members()[1:]
        code, seconds = ends(one, lambda service: tell(service, signal.SIGTERM))
        one.start()
        assert one.terminate()[0] == 0
    print(f"{after_s} s into the start: exit {code} after {seconds:.2f} s")
    assert code in (0, -signal.SIGTERM)
    assert seconds <= STOP_S
    assert not [child for child in children if child.is_running() and child.status() != "zombie"]


def test_told_while_questions_are_under_way_it_ends_in_time(tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        over, answers = threading.Event(), []
        asking = [threading.Thread(target=ask, args=(one.api, over, answers)) for _ in range(8)]
        for thread in asking:
            thread.start()
        until(lambda: len(answers) > 8, 60, "no answers")
        code, seconds = ends(one, lambda service: tell(service, signal.SIGTERM))
        over.set()
        for thread in asking:
            thread.join()
    assert (code, seconds <= STOP_S) == (0, True), seconds


def ask(api: str, over: threading.Event, answers: list[int]) -> None:
    """One question after the other; those that meet the end of the service fail, as they must."""
    while not over.is_set():
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            answers.append(urllib.request.urlopen(f"http://{api}/api/v1/runs", timeout=20).status)


@pytest.mark.long
def test_told_while_it_seals_and_merges_it_ends_in_time_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANLEDGER_JOURNAL__FILE_BYTES_MAX", "100000")
    monkeypatch.setenv("SPANLEDGER_STORE__FLUSH_ROWS", "100")
    monkeypatch.setenv("SPANLEDGER_POSTER__BATCH_EVENTS_MAX", "5")
    with service(tmp_path) as one:
        one.start()
        client = BareClient(one.grpc)
        client.start()
        until(lambda: merges(one.data) > 3, 60, "nothing is merged")
        code, seconds = ends(one, lambda service: tell(service, signal.SIGTERM))
        one.start()
        wait_for_acks([client])
        record = client.finish()
        catch_up(one.data)
        assert one.terminate()[0] == 0
    assert (code, seconds <= STOP_S) == (0, True), seconds
    assert list((one.data / "journal").glob("*.aside")) == []
    holds_exactly_once(one.data, [record])


def merges(data: Path) -> int:
    catalog = DataDir(data).catalog
    if not catalog.exists():
        return 0
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM replaced").fetchone()[0])

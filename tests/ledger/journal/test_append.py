"""The writer: nothing is acknowledged before its sync returned, and what waits meanwhile becomes one group."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import LedgerError, Locked, Overloaded, Refused, TooLarge
from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from tests.ledger.journal.history import DATA, OPTIONS, SimClock, SimRng, open_writer, read_all
from tests.ledger.journal.simdisk import SimDisk

THREADS = 8


class Gate:
    """Holds every sync until it is opened, and says when one is waiting."""

    def __init__(self, disk: SimDisk) -> None:
        self.waiting, self.opened = threading.Event(), threading.Event()
        disk.fault = self.fault

    def fault(self, step: int, what: str, path: Path) -> None:
        if what == "sync":
            self.waiting.set()
            assert self.opened.wait(10)


def draft(body: bytes = b"x") -> Draft:
    return Draft("otlp.traces", body)


@pytest.fixture
def disk() -> SimDisk:
    return SimDisk(1)


@pytest.fixture
def writer(disk: SimDisk) -> Iterator[JournalWriter]:
    with open_writer(disk) as writer:
        yield writer


def test_nothing_is_acked_or_readable_before_its_sync_returned(disk: SimDisk, writer: JournalWriter) -> None:
    gate = Gate(disk)
    future = writer.submit(draft())
    assert gate.waiting.wait(10)
    assert not future.done()
    assert JournalReader(DATA, disk).durable_seq() == 1
    gate.opened.set()
    assert future.result(10) == 2
    assert JournalReader(DATA, disk).durable_seq() == 2


def test_what_queues_while_a_sync_runs_is_the_next_group(disk: SimDisk) -> None:
    writer, gate = open_writer(disk, options=JournalOptions(seal=False)), Gate(disk)
    first = writer.submit(draft())
    assert gate.waiting.wait(10)
    with ThreadPoolExecutor(THREADS) as threads:
        rest = list(threads.map(lambda n: writer.submit(draft(bytes(n))), range(5 * THREADS)))
    assert writer.stats().queued_events == 5 * THREADS
    gate.opened.set()
    assert first.result(10) == 2
    assert sorted(future.result(10) for future in rest) == list(range(3, 3 + 5 * THREADS))
    assert writer.stats().groups == 2
    writer.close()


def test_eight_threads_get_numbers_without_gap_each_in_its_own_order(tmp_path: Path) -> None:
    data = DataDir(tmp_path)

    def append_some(thread: int) -> list[int]:
        return [journal.append(Draft("otlp.traces", f"{thread}/{n}".encode())) for n in range(40)]

    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=OPTIONS) as journal:
        with ThreadPoolExecutor(THREADS) as threads:
            acked = list(threads.map(append_some, range(THREADS)))
        assert journal.stats().groups < THREADS * 40
    assert all(numbers == sorted(numbers) for numbers in acked)
    bodies = {event.event_seq: event.body for event in read_all(POSIX, data)}
    assert sorted(seq for row in acked for seq in row) == list(range(1, 1 + THREADS * 40))
    assert all(bodies[seq] == f"{t}/{n}".encode() for t, row in enumerate(acked) for n, seq in enumerate(row))


def test_a_full_queue_refuses_retryably_and_takes_again_once_it_drains(disk: SimDisk) -> None:
    options = replace(OPTIONS, queue_bytes_max=10_000, body_bytes_max=9_000)
    with open_writer(disk, options=options) as writer:
        gate = Gate(disk)
        taken = [writer.submit(draft(bytes(2_000))) for _ in range(3)]
        with pytest.raises(Overloaded, match="send it again"):
            writer.append(draft(bytes(2_000)))
        assert writer.queued_bytes == 3 * 3_024
        gate.opened.set()
        assert [future.result(10) for future in taken] == [2, 3, 4]
        assert writer.append(draft(bytes(9_000))) == 5
        assert writer.stats().overloaded == 1


def test_many_small_drafts_are_bounded_by_their_number(disk: SimDisk) -> None:
    with open_writer(disk, options=replace(OPTIONS, queue_events_max=5)) as writer:
        gate = Gate(disk)
        writer.submit(draft())
        assert gate.waiting.wait(10)
        futures = [writer.submit(draft()) for _ in range(6)]
        assert isinstance(futures[5].exception(10), Overloaded)
        gate.opened.set()
        assert [future.result(10) for future in futures[:5]] == [3, 4, 5, 6, 7]


def test_a_body_over_the_bound_is_too_large_and_one_at_the_bound_is_taken(disk: SimDisk) -> None:
    with open_writer(disk, options=replace(OPTIONS, body_bytes_max=100)) as writer:
        with pytest.raises(TooLarge, match="body of 101 bytes, at most 100"):
            writer.append(draft(bytes(101)))
        assert writer.append(draft(bytes(100))) == 2


def test_a_group_is_bounded_by_its_bytes(disk: SimDisk) -> None:
    with open_writer(disk, options=replace(OPTIONS, group_bytes_max=5_000)) as writer:
        gate = Gate(disk)
        futures = [writer.submit(draft(bytes(1_000))) for _ in range(9)]
        assert gate.waiting.wait(10)
        gate.opened.set()
        assert [future.result(10) for future in futures] == list(range(2, 11))
        assert writer.stats().groups >= 5


def test_a_draft_that_was_cancelled_while_it_waited_is_not_written(disk: SimDisk, writer: JournalWriter) -> None:
    gate = Gate(disk)
    first = writer.submit(draft(b"first"))
    assert gate.waiting.wait(10)
    cancelled, kept = writer.submit(draft(b"cancelled")), writer.submit(draft(b"kept"))
    assert cancelled.cancel()
    gate.opened.set()
    assert (first.result(10), kept.result(10)) == (2, 3)
    writer.close()
    assert writer.queued_bytes == 0
    assert [event.body for event in read_all(disk)[2:]] == [b"first", b"kept"]


def test_a_draft_that_is_withdrawn_leaves_the_queue_at_once(disk: SimDisk, writer: JournalWriter) -> None:
    gate = Gate(disk)
    first = writer.submit(draft(b"first"))
    assert gate.waiting.wait(10)
    in_flight = writer.queued_bytes
    withdrawn, kept = writer.submit(draft(bytes(5_000))), writer.submit(draft(b"kept"))
    writer.withdraw(withdrawn)
    assert withdrawn.cancelled()
    assert writer.queued_bytes < in_flight + 5_000
    writer.withdraw(first)  # it is being written: too late
    gate.opened.set()
    assert (first.result(10), kept.result(10)) == (2, 3)
    writer.close()
    assert writer.queued_bytes == 0
    assert [event.body for event in read_all(disk)[2:]] == [b"first", b"kept"]


def test_a_body_that_is_durable_is_let_go_of_before_the_next_comes(writer: JournalWriter) -> None:
    gone = threading.Event()

    class Body(bytes):
        def __del__(self) -> None:
            gone.set()

    writer.append(draft(Body(b"x")))
    assert gone.wait(10)


def test_closing_writes_what_is_queued_and_takes_no_more(disk: SimDisk, writer: JournalWriter) -> None:
    gate = Gate(disk)
    futures = [writer.submit(draft()) for _ in range(5)]
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.opened.set()
    closing.join(10)
    assert [future.result(0) for future in futures] == [2, 3, 4, 5, 6]
    with pytest.raises(Overloaded, match="closing"):
        writer.append(draft())
    writer.close()


def test_files_begin_where_the_one_before_ended_and_none_outgrows_its_bound(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    options = JournalOptions(file_bytes_max=10_000, seal=False)
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=options) as writer:
        for _ in range(30):
            writer.append(draft(bytes(1_500)))
    sizes = [path.stat().st_size for path in sorted(data.journal.iterdir())]
    assert len(sizes) >= 5
    assert max(sizes) <= 10_000
    events = read_all(POSIX, data)
    assert [event.event_seq for event in events] == list(range(31))
    assert [event.file_number for event in events] == sorted(event.file_number for event in events)


def test_a_draft_with_a_broken_text_fails_alone(writer: JournalWriter) -> None:
    bad = writer.submit(Draft("otlp.traces", b"", tenant="\ud800"))
    assert isinstance(bad.exception(10), Refused)
    assert writer.append(draft()) == 2


def test_a_bug_in_the_writers_thread_leaves_every_sender_with_its_draft(
    disk: SimDisk, writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(step: int, what: str, path: Path) -> BaseException | None:
        return ZeroDivisionError("a bug") if what == "sync" else None

    hook: Future[str] = Future()
    monkeypatch.setattr(threading, "excepthook", lambda args: hook.set_result(args.exc_type.__name__))
    disk.fault = buggy
    with pytest.raises(Overloaded, match="a bug"):
        writer.append(draft())
    assert hook.result(10) == "ZeroDivisionError"
    assert not writer.alive
    with pytest.raises(LedgerError, match="stopped"):
        writer.append(draft())
    disk.fault = lambda step, what, path: None


def test_a_mark_that_cannot_be_published_delays_readers_but_not_the_ack(disk: SimDisk) -> None:
    with open_writer(disk, options=replace(OPTIONS, retry_s=0.01)) as writer:
        again = threading.Event()

        def fault(step: int, what: str, path: Path) -> OSError | None:
            if path == DATA.durable_mark and not again.is_set():
                return OSError(5, "simulated")
            return None

        disk.fault = fault
        assert writer.append(draft()) == 2
        assert JournalReader(DATA, SimDisk.after_kill(disk)).durable_seq() == 1
        assert writer.stats().mark_failures >= 1
        again.set()
        deadline = time.monotonic() + 10
        while JournalReader(DATA, SimDisk.after_kill(disk)).durable_seq() < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_second_writer_is_refused_naming_the_first(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=OPTIONS):
        with pytest.raises(Locked, match=rf"{data.journal} is in use by process {os.getpid()} "):
            JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=OPTIONS)
        tried = subprocess.run(
            [sys.executable, "-c", _OPEN, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
        )
        assert f"Locked: {data.journal} is in use by process {os.getpid()} " in tried.stderr
    JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=OPTIONS).close()


_OPEN = """
import sys, pathlib
from ledger.journal.append import JournalWriter
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
JournalWriter.open(DataDir(pathlib.Path(sys.argv[1])), clock=SystemClock(), rng=SystemRng())
"""


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "a" / "b")
    JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=OPTIONS).close()
    assert {path.stat().st_mode & 0o777 for path in (data.root, data.journal, data.run)} == {0o700}
    assert {path.stat().st_mode & 0o077 for path in (*data.journal.iterdir(), data.durable_mark)} == {0}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"shard": -1}, "shard is -1; it must be between 0 and 32767"),
        ({"file_bytes_max": 0}, "file_bytes_max is 0"),
        ({"body_bytes_max": 1 << 40}, "body_bytes_max"),
        ({"retry_s": 0}, "retry_s is 0"),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(tmp_path: Path, change: dict[str, int], told: str) -> None:
    options = JournalOptions(**change)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=told):
        JournalWriter.open(DataDir(tmp_path), clock=SimClock(), rng=SimRng(), options=options)

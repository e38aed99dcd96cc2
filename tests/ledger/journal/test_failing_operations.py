"""The n-th operation of the disk fails, for n = 1, 2, 3, ... until a life of the journal sees no failure."""

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import Overloaded
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from tests.ledger.journal.history import OPTIONS, History, open_writer, read_all, submit_together
from tests.ledger.journal.simdisk import PowerCut, SimDisk

GROUPS = 8
GROUP_EVENTS_MAX = 4


def failing(n: int, once: bool, number: int) -> Callable[[int, str, Path], OSError | None]:
    def fault(step: int, what: str, path: Path) -> OSError | None:
        if step == n or (step > n and not once):
            return OSError(number, f"{what} of {path.name} failed (simulated)")
        return None

    return fault


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("once", [True, False])
def test_no_failing_operation_loses_or_invents_an_acked_event(once: bool, number: int) -> None:
    n = 0
    while True:
        n += 1
        history = History(1, SimDisk(n))
        history.disk.fault = failing(n, once, number)
        history.live(GROUPS)
        if history.disk.steps < n:
            break
        assert not once or history.failed <= GROUP_EVENTS_MAX, f"step {n}: more than one group failed"
        history.disk = history.disk.after_kill() if n % 2 else history.disk.after_power_cut()
        history.check()
    assert n > 60


@pytest.mark.parametrize("once", [True, False])
def test_no_operation_that_fails_while_a_journal_is_recovered_loses_anything(once: bool) -> None:
    n = 0
    while True:
        n += 1
        history = History(2, SimDisk(n))
        history.disk.fault = lambda step, what, path: PowerCut() if step > 70 else None
        history.live(GROUPS)
        history.disk = history.disk.after_kill() if n % 2 else history.disk.after_power_cut()
        history.disk.fault = failing(n, once, errno.EIO)
        history.live(1)
        if history.disk.steps < n:
            break
        history.disk = history.disk.after_power_cut()
        history.check()
    assert n > 20


def test_after_a_failed_sync_nothing_more_is_acked_from_that_file() -> None:
    disk = SimDisk(1)
    writer = open_writer(disk)
    before = writer.append(Draft("otlp.traces", b"before"))
    number = writer.stats().file_number
    disk.fault = failing(disk.steps + 2, once=True, number=errno.EIO)  # a group is a write and a sync
    with pytest.raises(Overloaded):
        writer.append(Draft("otlp.traces", b"lost"))
    after = writer.append(Draft("otlp.traces", b"after"))
    assert writer.stats().file_number == number + 1
    assert after == before + 1
    writer.close()
    assert [event.body for event in read_all(disk)[2:]] == [b"before", b"after"]
    syncs = [disk.after_power_cut() for _ in range(5)]
    assert [[event.body for event in read_all(one)[2:]][:2] for one in syncs] == [[b"before", b"after"]] * 5


def test_a_full_disk_refuses_retryably_and_resumes_when_there_is_room() -> None:
    disk = SimDisk(1)
    writer = open_writer(disk)
    disk.room_bytes = 1_000
    assert _append(writer, b"small") == 2
    with pytest.raises(Overloaded, match="send it again"):
        writer.append(Draft("otlp.traces", bytes(5_000)))
    assert _append(writer, b"s2") == 3  # what fits goes in
    disk.room_bytes = 1 << 20
    assert _append(writer, bytes(5_000)) == 4
    assert writer.stats().failed_groups == 1
    writer.close()
    assert [event.event_seq for event in read_all(disk)] == [0, 1, 2, 3, 4]


def _append(writer: JournalWriter, body: bytes) -> int:
    return submit_together(writer, [Draft("otlp.traces", body)])[0].result(5)


def test_room_is_kept_free_for_the_others_on_the_disk() -> None:
    disk = SimDisk(1)
    with open_writer(disk, options=replace(OPTIONS, free_bytes_min=10_000)) as writer:
        disk.room_bytes = 10_500
        with pytest.raises(Overloaded, match="10000 are kept free"):
            writer.append(Draft("otlp.traces", bytes(600)))


def test_a_new_journal_on_a_full_disk_is_refused() -> None:
    with pytest.raises(Overloaded, match="cannot be opened for writing"):
        open_writer(SimDisk(1, room_bytes=50))


def test_a_journal_opens_on_a_full_disk_and_writes_its_restart_event_when_there_is_room() -> None:
    disk = SimDisk(1)
    open_writer(disk)
    after = disk.after_kill()
    after.room_bytes = 0
    with open_writer(after) as writer:
        with pytest.raises(Overloaded):
            writer.append(Draft("otlp.traces", b"x"))
        after.room_bytes = 1 << 20
        assert writer.append(Draft("otlp.traces", b"x")) == 3
    assert [event.kind for event in read_all(after)] == ["genesis", "price_book.published", "restart", "otlp.traces"]

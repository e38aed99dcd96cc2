"""Crash simulation by seed: whatever a power cut leaves of unsynced writes, every acknowledged event survives.

A failing seed is in the message; `run(SimDisk(seed))` lives it again. The mutants at the end break one promise each
and must be caught, which shows that these tests would see it missing.
"""

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import LedgerError
from ledger.journal import frame, recover
from ledger.journal.disk import Disk, File, Source
from ledger.journal.frame import Draft
from ledger.journal.tail import Tail
from tests.ledger.journal.history import History, open_writer, read_all, submit_together
from tests.ledger.journal.simdisk import PowerCut, SimDisk

SEEDS = 120
ROUNDS = 3
MUTANT_SEEDS = 60

Fault = Callable[[int, str, Path], BaseException | None]


def cut_within(disk: SimDisk, steps: int) -> Fault:
    """Turn the machine off before one of the next operations; in some lives operations before it fail."""
    at = disk.steps + disk.chance.randrange(1, steps)
    failing, odds = disk.chance.choice([("", 0.0), ("", 0.05), ("sync", 0.2), ("write", 0.1)])

    def fault(step: int, what: str, path: Path) -> BaseException | None:
        if step >= at:
            return PowerCut()
        fails = failing in what and disk.chance.random() < odds
        return OSError(errno.EIO, f"{what} failed (simulated)") if fails else None

    return fault


def run(seed: int, disk: SimDisk) -> History:
    """Some lives of a journal, each ended by a power cut or a kill, and a check after each."""
    history = History(seed, disk)
    for _ in range(ROUNDS):
        history.disk.fault = cut_within(history.disk, steps=90)
        history.live(groups=20)
        killed = history.chance.random() < 0.4
        history.disk = history.disk.after_kill() if killed else history.disk.after_power_cut()
        history.check()
    return history


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_acked_events_survive_power_cuts_kills_and_errors(first: int) -> None:
    histories = [run(seed, SimDisk(seed)) for seed in range(first, first + 20)]
    assert sum(len(history.acked) for history in histories) > 200


def test_a_power_cut_at_every_single_operation_loses_nothing() -> None:
    step = 0
    while True:
        step += 1
        history = History(step, SimDisk(step))
        history.chance.seed(1)  # the same workload each time
        history.disk.fault = lambda now, what, path, at=step: PowerCut() if now >= at else None  # type: ignore[misc]
        history.live(groups=8)
        if not history.disk.off:
            break
        history.disk = history.disk.after_power_cut()
        history.check()
    assert step > 60


def test_frames_that_a_failed_sync_left_in_the_page_cache_are_written_again_before_they_count() -> None:
    """fsyncgate: the frames are seen after a restart, but no sync would ever write them."""
    assert _revived_frames_survive()


def _revived_frames_survive() -> bool:
    disk = SimDisk(3)
    writer = open_writer(disk)

    def fail_then_die(step: int, what: str, path: Path) -> BaseException | None:
        return {"sync": OSError(errno.EIO, "simulated"), "truncate": PowerCut()}.get(what)

    disk.fault = fail_then_die
    with pytest.raises(LedgerError):
        submit_together(writer, [Draft("otlp.traces", b"never acked")])[0].result(5)
    after = disk.after_kill()
    seq = _append_one(after, b"acked")
    return all(_read_after_cut(after).get(seq) == b"acked" for _ in range(5))


def _append_one(disk: SimDisk, body: bytes) -> int:
    with open_writer(disk) as writer:
        return writer.append(Draft("otlp.traces", body))


def _read_after_cut(disk: SimDisk) -> dict[int, bytes]:
    after = disk.after_power_cut()
    try:
        open_writer(after).close()
        return {event.event_seq: event.body for event in read_all(after)}
    except LedgerError:
        return {}


def _caught() -> bool:
    """Whether some seed sees that something is wrong."""
    for seed in range(MUTANT_SEEDS):
        try:
            run(seed, SimDisk(seed))
        except (AssertionError, LedgerError):
            return True
    return False


def test_without_mutants_nothing_is_caught() -> None:
    assert not _caught()


@pytest.mark.parametrize("skipped", ["syncs_files", "syncs_names"])
def test_mutant_that_skips_a_sync_is_caught(skipped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    init = SimDisk.__init__

    def lying(self: SimDisk, *args: Any) -> None:
        init(self, *args)
        setattr(self, skipped, False)

    monkeypatch.setattr(SimDisk, "__init__", lying)
    assert _caught()


def test_mutant_that_syncs_again_after_a_failed_sync_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def sync_again(self: Tail, file: File) -> None:
        try:
            file.sync()
        except OSError:
            file.sync()

    monkeypatch.setattr(Tail, "_sync", sync_again)
    assert _caught()


def test_mutant_that_checks_no_checksum_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "value", lambda data: 0)
    monkeypatch.setattr(frame, "extend", lambda crc, data: 0)
    assert _caught()


def test_mutant_that_recovers_without_writing_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_sync(disk: Disk, path: Path, source: Source, found: recover.Survey) -> File:
        file = disk.open_append(path)
        file.truncate(found.end)
        file.sync()
        return file

    monkeypatch.setattr(recover, "_rewrite", only_sync)
    assert not _revived_frames_survive()


class SkipsFirstSyncOfNames(SimDisk):
    """Recovery's is the first after a start."""

    skipped = False

    def sync_dir(self, directory: Path) -> None:
        if self.skipped:
            super().sync_dir(directory)
        self.skipped = True


def test_mutant_that_recovers_without_syncing_the_directory_is_caught() -> None:
    assert _file_survives_whose_maker_died_before_its_name_was_synced(SimDisk)
    assert not _file_survives_whose_maker_died_before_its_name_was_synced(SkipsFirstSyncOfNames)


def _file_survives_whose_maker_died_before_its_name_was_synced(kind: type[SimDisk]) -> bool:
    disk = kind(1)
    disk.fault = lambda step, what, path: PowerCut() if what == "write" else None
    with suppress(PowerCut):
        open_writer(disk)
    after = disk.after_kill()
    seq = _append_one(after, b"acked")
    return all(_read_after_cut(after).get(seq) == b"acked" for _ in range(8))

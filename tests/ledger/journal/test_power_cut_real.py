"""A power cut of a real file system under the journal alone: everything acknowledged is there.

The process that does not sync shows that the test has teeth. tests/durability does the same to the whole service.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ledger.errors import LedgerError
from ledger.paths import DataDir
from tests.durability.disks import LoopDisk, freeze, loop_disk, needs_loop
from tests.ledger.journal.appender import acks, lost, start

pytestmark = [pytest.mark.durability, pytest.mark.slow, needs_loop]

CUTS = 3
ACKS = 60


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopDisk]:
    with loop_disk(tmp_path, 48) as disk:
        yield disk


def append_until_the_power_goes(disk: LoopDisk, word: str, *flags: str) -> dict[int, bytes]:
    with start(disk.target / "data", word, *flags) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(ACKS)]
            freeze([psutil.Process(process.pid)])
            disk.cut_power()
        finally:
            process.kill()
        lines += process.stdout.readlines()
    disk.unmount()
    disk.mount()
    return acks(lines)


def test_acked_events_survive_power_cuts_of_a_real_file_system(disk: LoopDisk) -> None:
    acked: dict[int, bytes] = {}
    for cut in range(CUTS):
        acked |= append_until_the_power_goes(disk, f"cut{cut}")
        assert lost(DataDir(disk.target / "data"), acked) == []
    assert len(acked) >= CUTS * ACKS


def test_a_writer_that_does_not_sync_loses_acked_events(disk: LoopDisk) -> None:
    acked = append_until_the_power_goes(disk, "nosync", "no-sync")
    try:
        gone = lost(DataDir(disk.target / "data"), acked)
    except LedgerError:  # what is left of the files may not even open
        return
    assert gone

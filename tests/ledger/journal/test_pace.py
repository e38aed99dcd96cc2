"""What large groups showed of the disk says how long a queue will take, and how large a group may be."""

import threading
from concurrent.futures import Future
from pathlib import Path

from ledger.journal.append import JournalWriter
from ledger.journal.disk import File, PosixDisk, PosixFile
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.journal.pace import FIRST_BYTES, Pace
from ledger.journal.queue import Queue
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng

MB = 1_000_000
SECOND_NS = 10**9


def test_nothing_is_known_before_a_large_group():
    pace = Pace()
    pace.wrote(MB // 2, SECOND_NS)  # the time of a small one is that of its sync
    assert pace.seconds(100 * MB) == 0.0
    assert pace.group_bytes_max == FIRST_BYTES


def test_a_queue_takes_as_long_as_the_disk_showed():
    pace = Pace()
    pace.wrote(10 * MB, SECOND_NS)
    assert pace.seconds(25 * MB) == 2.5
    assert pace.group_bytes_max == 10 * MB


def test_one_stall_does_not_make_a_quick_disk_slow_and_three_slow_groups_do():
    pace = Pace()
    pace.wrote(100 * MB, SECOND_NS)
    pace.wrote(2 * MB, 2 * SECOND_NS)
    pace.wrote(2 * MB, 2 * SECOND_NS)
    assert pace.seconds(50 * MB) == 0.5
    pace.wrote(2 * MB, 2 * SECOND_NS)
    assert pace.seconds(50 * MB) == 50.0


def test_a_slow_disk_may_have_small_groups_of_some_mebibytes():
    pace = Pace()
    pace.wrote(2 * MB, 2 * SECOND_NS)
    assert pace.group_bytes_max == FIRST_BYTES


class StuckDisk(PosixDisk):
    """Syncs of what is over a megabyte wait until they may go on."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.groups: list[int] = []

    def open_append(self, path: Path) -> File:
        return StuckFile(path, self)


class StuckFile(PosixFile):
    def __init__(self, path: Path, disk: StuckDisk) -> None:
        super().__init__(path)
        self.disk = disk

    def write(self, parts):
        size = sum(map(len, parts))
        if size > MB:
            self.disk.groups.append(size)
            self.disk.reached.set()
            assert self.disk.go_on.wait(20)
        super().write(parts)


def test_the_writer_knows_its_backlog_from_the_first_large_group_on(tmp_path):
    disk, draft = StuckDisk(), Draft("otlp.traces", bytes(2 * MB))
    with JournalWriter.open(DataDir(tmp_path), clock=SystemClock(), rng=SystemRng(), disk=disk) as writer:
        for is_known in (False, True):
            future = writer.submit(draft)
            assert disk.reached.wait(20)
            assert (writer.backlog_s > 0.0) is is_known
            disk.go_on.set()
            future.result(20)
            disk.reached.clear()
            disk.go_on.clear()


def test_a_group_is_no_larger_than_the_disk_was_seen_to_take_but_never_empty():
    queue = Queue(JournalOptions(), SystemClock(), 0)
    for size in (MB, MB, MB, 5 * MB):
        queue.put(Draft("otlp.traces", bytes(size)), (), Future())
    taken = [[len(one.entry.draft.body) for one in queue.take(None, 2.5 * MB)] for _ in range(3)]
    assert taken == [[MB, MB], [MB], [5 * MB]]

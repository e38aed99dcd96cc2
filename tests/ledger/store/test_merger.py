"""Merging beside posting: commits go on, nothing that fails there stops them, and the end does not wait for it."""

import errno
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, current_thread, main_thread

import pytest

from ledger.errors import Corrupt, LedgerError
from ledger.journal.disk import File, PosixDisk
from ledger.store import digest, manifest, merger
from ledger.store.catalog import Catalog
from ledger.store.options import StoreOptions
from ledger.store.snapshot import Snapshot
from tests.ledger.store import rows
from tests.ledger.store.conftest import HandClock

TWO = StoreOptions(segment_fan_in=2, run_fan_in=1 << 30)


class AtCall(Executor):
    """Work waits until `go` is called, or somebody wants to know what became of it."""

    def __init__(self):
        self.work = Waiting(lambda: None)
        self.begun = 0

    def submit(self, work, /, *args, **kwargs):
        self.begun += 1
        self.work = Waiting(partial(work, *args, **kwargs))
        return self.work

    def go(self):
        self.work.exception()


class Waiting(Future):
    def __init__(self, work):
        super().__init__()
        self._work = work

    def exception(self, timeout=None):
        if not self.done():
            try:
                self.set_result(self._work())
            except (OSError, LedgerError, merger.GivenUp) as error:
                self.set_exception(error)
        return super().exception(timeout)


class HeldDisk(PosixDisk):
    """What is written in another thread than the test's stops before its sync until it may go on."""

    def __init__(self):
        self.reached, self.may_go_on = Event(), Event()

    def open_append(self, path: Path) -> File:
        file = super().open_append(path)
        if current_thread() is not main_thread():
            self.reached.set()
            assert self.may_go_on.wait(30)
        return file


@pytest.fixture
def merging() -> AtCall:
    return AtCall()


@pytest.fixture
def catalog(data, clock, merging) -> Iterator[Catalog]:
    with closing(Catalog.open(data, clock=clock, options=TWO, merging=merging)) as opened:
        yield opened


def post(catalog, *seqs):
    """Each event in a segment of its own."""
    for seq in seqs:
        rows.post_event(seq).apply(catalog)
        catalog.flush()


def spans_files(data) -> list[Path]:
    return Snapshot.take(data).segments("spans")


def unnamed(data) -> list[str]:
    """Files that the manifest does not name."""
    named = {data.ledger / part.path for part in Snapshot.take(data).manifest}
    return [path.name for path in (data.ledger / "segments").rglob("*.*") if path not in named]


def undisturbed(data, clock, events) -> dict[str, str]:
    other = type(data)(data.root / "undisturbed")
    with closing(Catalog.open(other, clock=clock)) as catalog:
        for seq in range(events):
            rows.post_event(seq).apply(catalog)
    return digest.digests(other)


def test_commits_and_flushes_go_on_while_a_merge_is_written(data, clock, catalog, merging):
    post(catalog, 0, 1)
    catalog.tidy()
    first = merging.work
    old = spans_files(data)
    post(catalog, 2, 3)
    catalog.tidy()
    assert merging.begun == 1, "one merge at a time"
    assert Snapshot.take(data).cursor == 3
    assert spans_files(data)[:2] == old
    assert first.exception() is None
    post(catalog, 4)
    before = Snapshot.take(data)
    catalog.tidy()
    assert digest.digests(data) == undisturbed(data, clock, 5)
    merged = [part for part in Snapshot.take(data).manifest if part not in before.manifest]
    assert [part.rows for part in merged] == [2 * before.manifest[0].rows]
    numbers = [part.file_number for part in before.manifest] + [part.file_number for part in merged]
    assert len(set(numbers)) == len(numbers), "a number is given out once"
    assert all(path.exists() for path in before.segments("spans")), "what a reader knows stays"


def last_file(data) -> int:
    with closing(sqlite3.connect(data.catalog)) as db:
        return manifest.get_meta(db, "file")


def test_readers_see_by_the_last_number_that_files_were_exchanged(data, catalog, merging):
    post(catalog, 0, 1)
    catalog.tidy()
    post(catalog, 2)
    before = last_file(data)
    merging.go()
    catalog.tidy()
    assert last_file(data) > before


def test_a_number_given_to_a_merge_is_not_given_again_after_a_restart(data, clock, catalog, merging):
    post(catalog, 0, 1)
    catalog.tidy()
    post(catalog, 2)
    merging.go()
    catalog.tidy()
    catalog.close()
    last = max(part.file_number for part in Snapshot.take(data).manifest)
    with closing(Catalog.open(data, clock=clock)) as again:
        post(again, 3)
        assert min(part.file_number for part in Snapshot.take(data).manifest if part.first_seq == 3) > last


def test_the_end_does_not_wait_for_a_merge_and_leaves_nothing_of_it(data, clock):
    disk = HeldDisk()
    with ThreadPoolExecutor(1) as merging:
        catalog = Catalog.open(data, clock=clock, options=TWO, merging=merging, disk=disk)
        post(catalog, 0, 1)
        catalog.tidy()
        assert disk.reached.wait(30)
        post(catalog, 2)
        assert Snapshot.take(data).cursor == 2, "shown although a merge is under way"
        disk.may_go_on.set()
        began = time.monotonic()
        catalog.close()
        assert time.monotonic() - began < 2
    assert len(spans_files(data)) == 3
    assert unnamed(data) == []


def test_a_merge_that_is_written_and_not_exchanged_at_the_end_is_removed_by_the_next_open(data, catalog, merging):
    post(catalog, 0, 1)
    catalog.tidy()
    merging.go()
    catalog.close()
    assert len(unnamed(data)) == 1, "no other may say what the manifest names, once an exchange has failed"
    with closing(Catalog.open(data, clock=HandClock())):
        assert unnamed(data) == []
    assert len(spans_files(data)) == 2


def full(self, parts):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_merge_that_fails_is_told_once_removed_and_begun_again(data, clock, catalog, merging, monkeypatch):
    post(catalog, 0, 1)
    catalog.tidy()
    with monkeypatch.context() as patch:
        patch.setattr("ledger.journal.disk.PosixFile.write", full)
        merging.go()
    post(catalog, 2)
    with pytest.raises(OSError, match="No space left"):
        catalog.tidy()
    assert unnamed(data) == []
    catalog.tidy()
    merging.go()
    catalog.tidy()
    assert merging.begun >= 2
    assert digest.digests(data) == undisturbed(data, clock, 3)
    assert len(Snapshot.take(data).manifest) < 3 * len({part.table_name for part in Snapshot.take(data).manifest})


def test_a_merge_whose_directory_cannot_be_synced_leaves_no_file(data, catalog, merging, monkeypatch):
    post(catalog, 0, 1)
    catalog.tidy()
    with monkeypatch.context() as patch:
        patch.setattr(PosixDisk, "sync_dir", full)
        merging.go()
    assert unnamed(data) == []


def test_a_merge_is_given_up_when_the_disk_gets_too_full_for_it(data, catalog, merging, monkeypatch):
    post(catalog, 0, 1)
    catalog.tidy()
    with monkeypatch.context() as patch:
        patch.setattr(PosixDisk, "free_bytes", lambda self, directory: TWO.merge_free_bytes_min - 1)
        merging.go()
        catalog.tidy()
        assert merging.begun == 1, "it waits for room"
        assert unnamed(data) == []
    catalog.tidy()
    merging.go()
    assert merging.begun == 2
    assert len(unnamed(data)) == 1, "written, and not yet exchanged"


def test_an_exchange_that_fails_is_tried_again_without_writing_the_file_again(data, catalog, merging, monkeypatch):
    post(catalog, 0, 1)
    catalog.tidy()
    merging.go()
    with monkeypatch.context() as patch:
        patch.setattr("ledger.store.manifest.put_segment", lambda db, made: full(None, None))
        with pytest.raises(OSError, match="No space left"):
            catalog.tidy()
    before = unnamed(data)
    catalog.tidy()
    assert [path.name for path in (data.ledger / "segments").rglob(before[0])], "the same file"
    assert unnamed(data) != before


def test_a_merged_file_that_is_not_what_was_written_takes_no_place(data, catalog, merging, monkeypatch):
    post(catalog, 0, 1)
    catalog.tidy()
    rename = PosixDisk.rename

    def damaging(self, source, target):
        with source.open("r+b") as file:
            file.seek(100)
            byte = file.read(1)
            file.seek(100)
            file.write(bytes([byte[0] ^ 1]))
        rename(self, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(PosixDisk, "rename", damaging)
        merging.go()
    with pytest.raises(Corrupt, match="checksum"):
        catalog.tidy()
    assert len(spans_files(data)) == 2
    assert unnamed(data) == []


def test_commits_wait_for_a_merge_once_too_many_files_do(data, clock, merging, monkeypatch):
    waited = []
    monkeypatch.setattr(merger, "wait", lambda futures, timeout: waited.append(timeout))
    options = StoreOptions(segment_fan_in=2, run_fan_in=1 << 30, merge_files_waiting_max=4)
    with closing(Catalog.open(data, clock=clock, options=options, merging=merging)) as catalog:
        for seq in range(4):
            post(catalog, seq)
            catalog.tidy()
        assert waited == []
        post(catalog, 4)
        catalog.tidy()
        assert waited == [merger.CROWDED_WAIT_S]


def test_whoever_needs_the_memory_can_wait_for_the_merge(data, clock):
    disk = HeldDisk()
    with (
        ThreadPoolExecutor(1) as merging,
        closing(Catalog.open(data, clock=clock, options=TWO, merging=merging, disk=disk)) as catalog,
    ):
        post(catalog, 0, 1)
        catalog.tidy()
        assert disk.reached.wait(30)
        disk.may_go_on.set()
        catalog.await_merge()
        assert len(unnamed(data)) == 1, "written, and not yet exchanged"

"""The files of the ledger: which there are, how they are added and exchanged, and when they go.

Every change is made in the same order: new files written and durable first, then one transaction that swaps them in.
A crash before it leaves files that no manifest names, which are removed at the next open; after it, nothing is undone.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.journal.disk import Disk
from ledger.store import manifest, segment, traces
from ledger.store.files import aside, published
from ledger.store.fold import FOLDS, folded
from ledger.store.manifest import Segment, TraceRun, transaction

SEGMENTS = "segments"
RUNS = "traces"


OnFile = tuple[TraceRun, traces.Run]
"""A run as the manifest has it, and mapped."""


@dataclass(frozen=True)
class Added:
    """Files that are written and durable, and not yet in the manifest."""

    segments: tuple[Segment, ...] = ()
    runs: tuple[OnFile, ...] = ()

    @property
    def last_number(self) -> int:
        numbers = [made.file_number for made in self.segments] + [record.file_number for record, _ in self.runs]
        return max(numbers)


class Shelf:
    """Segments and trace runs as the manifest has them, with the runs mapped. For the one writer."""

    def __init__(self, root: Path, db: sqlite3.Connection, disk: Disk) -> None:
        self.root, self._db, self._disk = root, db, disk
        segment.footer.cache_clear()  # a rebuild in this process put other files under names that were read before
        self._number = manifest.get_meta(db, "file")
        self.segments = manifest.segments(db)
        self._seen_replaced: dict[str, int] = {}
        self.runs_on_file = [(record, traces.Run.open(root / record.path)) for record in manifest.trace_runs(db)]

    @property
    def runs(self) -> list[traces.Run]:
        return [run for _, run in self.runs_on_file]

    def write(self, tables: dict[str, pa.Table], run: traces.Run) -> Added:
        """Write hot rows and hot traces as files. The manifest does not know them yet: see `put`."""
        events = tables["events"]
        number = self._number
        made: list[Segment] = []
        for table, hot in tables.items():
            for shard, day, part in segment.split(table, hot, events):
                number += 1
                rows = segment.in_order(table, folded(table, part))
                made.append(self.write_segment(new_segment(number, table, shard, day, rows), [rows]))
        runs = (self.write_run(number + 1, [run]),) if len(run.hashes) else ()
        return Added(tuple(made), runs)

    def put(self, added: Added) -> None:
        """Name the new files in the manifest; within the transaction of the caller."""
        for made in added.segments:
            manifest.put_segment(self._db, made)
        for record, _ in added.runs:
            manifest.put_trace_run(self._db, record)
        manifest.put_meta(self._db, "file", max(self._number, added.last_number))

    def take(self, added: Added) -> None:
        """Know the new files from now on; after that transaction."""
        self._number = max(self._number, added.last_number)
        self.segments = [*self.segments, *added.segments]
        self.runs_on_file += added.runs

    def exchange(self, table: str, old: Sequence[Segment] | Sequence[TraceRun], added: Added, now_ns: int) -> None:
        """Put merged files in the place of `old`, which are of one table of the manifest, in one transaction."""
        self.next_number()  # flushes may have passed theirs, and readers know a new list of files by its last number
        with transaction(self._db):
            manifest.replace_files(self._db, table, old, now_ns)
            self.put(added)
        self.take(added)
        gone = {item.path for item in old}
        self.segments = [part for part in self.segments if part.path not in gone]
        self.runs_on_file = [pair for pair in self.runs_on_file if pair[0].path not in gone]

    def remove_replaced(self, monotonic_ns: int, keep_ns: int) -> None:
        """Remove files that left the manifest `keep_ns` ago, by the clock that never jumps.

        A file that was replaced before this process began stays as long again: `replaced_ns` is only a record.
        """
        replaced = [row[0] for row in self._db.execute("SELECT path FROM replaced ORDER BY path")]
        self._seen_replaced = {path: self._seen_replaced.get(path, monotonic_ns) for path in replaced}
        paths = [path for path, since_ns in self._seen_replaced.items() if monotonic_ns - since_ns >= keep_ns]
        if not paths:
            return
        # FULL: the log, with the swap that replaced these files, must be on the medium before they are gone. A power
        # cut could otherwise take back the swap and leave a manifest that names files which no longer exist.
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            with transaction(self._db):
                self._db.executemany("DELETE FROM replaced WHERE path = ?", [(path,) for path in paths])
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")
        for path in paths:
            self._disk.unlink(self.root / path)

    def remove_orphans(self) -> None:
        """Remove files that a crash left, which no manifest names."""
        known = {part.path for part in self.segments} | {record.path for record, _ in self.runs_on_file}
        known |= {row[0] for row in self._db.execute("SELECT path FROM replaced")}
        for top in (SEGMENTS, RUNS):
            for directory, _, names in os.walk(self.root / top):
                for name in sorted(names):
                    path = Path(directory) / name
                    if str(path.relative_to(self.root)) not in known:
                        self._disk.unlink(path)

    def free_bytes(self) -> int:
        """Room on the disk."""
        return self._disk.free_bytes(self.root)

    def next_number(self) -> int:
        """A file number that nobody else gets, also while its file is written beside others."""
        self._number += 1
        return self._number

    def discard(self, path: str) -> None:
        """Remove what there is of a file that the manifest does not name; what cannot be goes at the next open."""
        whole_file = self.root / path
        with suppress(OSError):
            for left in (whole_file, aside(whole_file)):
                if self._disk.exists(left):
                    self._disk.unlink(left)

    def write_segment(self, planned: Segment, parts: Iterable[pa.Table]) -> Segment:
        """Write the segment that `planned` describes, but for its path, size and checksum. `parts` are in order.

        `planned.rows` is what goes in; where rows fold, fewer may be left."""
        path = segment_path(planned)
        with published(self._disk, self.root / path) as out:
            rows = segment.write(
                out, planned.table_name, planned.shard, planned.day, planned.first_seq, planned.last_seq, parts
            )
            size, crc32c = out.tell(), out.crc32c
        found = pq.read_metadata(self.root / path).num_rows
        lost = planned.rows - rows
        assert rows == found, f"{path}: {found} rows of {rows} written"
        assert lost == 0 or (lost > 0 and planned.table_name in FOLDS), f"{path}: {rows} rows of {planned.rows}"
        return replace(planned, path=path, rows=rows, file_bytes=size, crc32c=crc32c)

    def write_run(
        self, number: int, runs: Sequence[traces.Run], before_each: Callable[[], None] = lambda: None
    ) -> OnFile:
        """Write the merge of `runs` as one, and read it back. `before_each` part is called, and may raise."""
        path = run_path(number)
        with published(self._disk, self.root / path) as out:
            pairs = traces.write(out, runs, before_each)
        return TraceRun(number, path, pairs), traces.Run.open(self.root / path)


def segment_path(planned: Segment) -> str:
    return f"{SEGMENTS}/{planned.table_name}/{planned.day}/{planned.file_number:08d}.parquet"


def run_path(number: int) -> str:
    return f"{RUNS}/{number:08d}.run"


def new_segment(number: int, table: str, shard: int, day: str, rows: pa.Table) -> Segment:
    """A segment yet to be written."""
    seqs = rows[segment.SEQ[table]].to_numpy()
    return Segment(number, table, shard, day, "", rows.num_rows, 0, int(seqs.min()), int(seqs.max()), 0)

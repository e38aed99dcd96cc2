"""The files of the ledger: which there are, how they are added and merged, and when they go.

Every change is made in the same order: new files written and durable first, then one transaction that swaps them in.
A crash before it leaves files that no manifest names, which are removed at the next open; after it, nothing is undone.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.journal.disk import Disk
from ledger.store import manifest, merge, segment, traces, whole
from ledger.store.files import published
from ledger.store.fold import FOLDS, folded
from ledger.store.manifest import Segment, TraceRun, transaction

SEGMENTS = "segments"
RUNS = "traces"


@dataclass(frozen=True)
class Added:
    """Files that are written and durable, and not yet in the manifest."""

    segments: tuple[Segment, ...] = ()
    runs: tuple[TraceRun, ...] = ()

    @property
    def last_number(self) -> int:
        numbers = [made.file_number for made in self.segments] + [run.file_number for run in self.runs]
        return max(numbers)


class Shelf:
    """Segments and trace runs as the manifest has them, with the runs mapped. For the one writer."""

    def __init__(self, root: Path, db: sqlite3.Connection, disk: Disk) -> None:
        self.root, self._db, self._disk = root, db, disk
        segment.footer.cache_clear()  # a rebuild in this process put other files under names that were read before
        self._number = manifest.get_meta(db, "file")
        self.segments = manifest.segments(db)
        self._seen_replaced: dict[str, int] = {}
        self._runs = [(record, traces.Run.open(root / record.path)) for record in manifest.trace_runs(db)]

    @property
    def runs(self) -> list[traces.Run]:
        return [run for _, run in self._runs]

    def write(self, tables: dict[str, pa.Table], run: traces.Run) -> Added:
        """Write hot rows and hot traces as files. The manifest does not know them yet: see `put`."""
        events = tables["events"]
        number = self._number
        made: list[Segment] = []
        for table, hot in tables.items():
            for shard, day, part in segment.split(table, hot, events):
                number += 1
                rows = segment.in_order(table, folded(table, part))
                made.append(self._write_segment(new_segment(number, table, shard, day, rows), [rows]))
        runs = (self._write_run(number + 1, [run]),) if len(run.hashes) else ()
        return Added(tuple(made), runs)

    def put(self, added: Added) -> None:
        """Name the new files in the manifest; within the transaction of the caller."""
        for made in added.segments:
            manifest.put_segment(self._db, made)
        for run in added.runs:
            manifest.put_trace_run(self._db, run)
        manifest.put_meta(self._db, "file", added.last_number)

    def take(self, added: Added) -> None:
        """Know the new files from now on; after that transaction."""
        self._number = added.last_number
        self.segments = [*self.segments, *added.segments]
        self._runs += [(run, traces.Run.open(self.root / run.path)) for run in added.runs]

    def merge_segments(
        self, *, fan_in: int, file_bytes_min: int, file_bytes_max: int, free_bytes_min: int, now_ns: int
    ) -> bool:
        """Merge one group of small segments, if there is one and room for it. Returns whether it did."""
        candidates = (((s.table_name, s.shard, s.day), s.file_bytes, s) for s in self.segments)
        old = merge.due(candidates, fan_in=fan_in, smallest=file_bytes_min, largest=file_bytes_max)
        if old is None or not self._has_room(sum(part.file_bytes for part in old), free_bytes_min):
            return False
        first = old[0]
        for part in old:
            whole.check(self.root, part)
        inputs = [segment.row_groups(self.root / part.path, part.table_name) for part in old]
        made = self._write_segment(
            replace(
                first,
                file_number=self._number + 1,
                rows=sum(part.rows for part in old),
                first_seq=min(part.first_seq for part in old),
                last_seq=max(part.last_seq for part in old),
            ),
            merge.merged(first.table_name, inputs),
        )
        self._swap("segment", old, Added(segments=(made,)), now_ns)
        self.segments = [part for part in self.segments if part not in old]
        return True

    def merge_runs(self, *, fan_in: int, pairs_min: int, free_bytes_min: int, now_ns: int) -> bool:
        """Merge one group of trace runs, if there is one and room for it. Returns whether it did."""
        candidates = ((0, record.pairs, (record, run)) for record, run in self._runs)
        old = merge.due(candidates, fan_in=fan_in, smallest=pairs_min, largest=1 << 62)
        if old is None or not self._has_room(sum(traces.file_bytes(record.pairs) for record, _ in old), free_bytes_min):
            return False
        for _, run in old:
            run.check()
        made = self._write_run(self._number + 1, [run for _, run in old])
        self._swap("trace_run", [record for record, _ in old], Added(runs=(made,)), now_ns)
        gone = {record.file_number for record, _ in old}
        self._runs = [pair for pair in self._runs if pair[0].file_number not in gone]
        return True

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
        known = {part.path for part in self.segments} | {record.path for record, _ in self._runs}
        known |= {row[0] for row in self._db.execute("SELECT path FROM replaced")}
        for top in (SEGMENTS, RUNS):
            for directory, _, names in os.walk(self.root / top):
                for name in sorted(names):
                    path = Path(directory) / name
                    if str(path.relative_to(self.root)) not in known:
                        self._disk.unlink(path)

    def _has_room(self, file_bytes: int, free_bytes_min: int) -> bool:
        """Whether new files of that size leave enough for the journal: merging can wait, acks cannot."""
        return self._disk.free_bytes(self.root) - file_bytes >= free_bytes_min

    def _swap(self, table: str, old: Sequence[Segment] | Sequence[TraceRun], added: Added, now_ns: int) -> None:
        with transaction(self._db):
            manifest.replace_files(self._db, table, old, now_ns)
            self.put(added)
        self.take(added)

    def _write_segment(self, planned: Segment, parts: Iterable[pa.Table]) -> Segment:
        """Write the segment that `planned` describes, but for its path, size and checksum. `parts` are in order.

        `planned.rows` is what goes in; where rows fold, fewer may be left."""
        path = Path(SEGMENTS) / planned.table_name / planned.day / f"{planned.file_number:08d}.parquet"
        with published(self._disk, self.root / path) as out:
            rows = segment.write(
                out, planned.table_name, planned.shard, planned.day, planned.first_seq, planned.last_seq, parts
            )
            size, crc32c = out.tell(), out.crc32c
        found = pq.read_metadata(self.root / path).num_rows
        lost = planned.rows - rows
        assert rows == found, f"{path}: {found} rows of {rows} written"
        assert lost == 0 or (lost > 0 and planned.table_name in FOLDS), f"{path}: {rows} rows of {planned.rows}"
        return replace(planned, path=str(path), rows=rows, file_bytes=size, crc32c=crc32c)

    def _write_run(self, number: int, runs: Sequence[traces.Run]) -> TraceRun:
        path = Path(RUNS) / f"{number:08d}.run"
        with published(self._disk, self.root / path) as out:
            pairs = traces.write(out, runs)
        return TraceRun(number, str(path), pairs)


def new_segment(number: int, table: str, shard: int, day: str, rows: pa.Table) -> Segment:
    """A segment yet to be written."""
    seqs = rows[segment.SEQ[table]].to_numpy()
    return Segment(number, table, shard, day, "", rows.num_rows, 0, int(seqs.min()), int(seqs.max()), 0)

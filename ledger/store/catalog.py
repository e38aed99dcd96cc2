"""The poster's door to DATA/ledger: rows, cursor and everything that must agree with it, one transaction a commit.

Guarantees: a commit is there whole or not at all, whatever ends the process; a flush or merge moves rows and never
changes which rows there are; a file that left the manifest stays for readers that know it, then goes.
Rows come in by `commit` only and are never edited. Readers use `ledger.store.snapshot` and need no lock.
"""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger.errors import Incompatible
from ledger.journal.disk import POSIX, Disk, Lock
from ledger.paths import DataDir
from ledger.schema import ARROW, POSTING_VERSION
from ledger.seams import Clock
from ledger.store import hot, manifest, merge, segment, traces
from ledger.store.files import published
from ledger.store.manifest import Segment, TraceRun, transaction

FILES_DIRECTORY = "segments"
RUNS_DIRECTORY = "traces"


@dataclass(frozen=True)
class StoreOptions:
    """Bounds of the store, each with its reason."""

    flush_rows: int = 50_000
    """Hot rows of all tables before they become Parquet: a reader decodes all of them at each snapshot."""
    flush_bytes: int = 96 << 20
    """The same bound for rows with long content: they are mirrored in memory."""
    flush_age_s: float = 30.0
    """A quiet ledger is flushed too, so that other programs find its rows in the files."""
    replaced_keep_s: float = 600.0
    """How long a replaced file stays: longer than any query may run."""
    segment_bytes_max: int = 256 << 20
    """Uncompressed bytes past which a segment is left alone; merging holds its inputs in memory."""
    merge_fan_in: int = merge.FAN_IN
    run_fan_in: int = 4
    """Runs of traces are all asked at each probe, so fewer of them stay than of segments."""
    run_pairs_smallest: int = 1 << 14


class Catalog:
    def __init__(
        self, data: DataDir, db: sqlite3.Connection, lock: Lock, *, clock: Clock, disk: Disk, options: StoreOptions
    ) -> None:
        self._root, self._db, self._lock = data.ledger, db, lock
        self._clock, self._disk, self._options = clock, disk, options
        self.cursor = manifest.get_meta(db, "cursor")
        self._file_number = manifest.get_meta(db, "file")
        self._segments = manifest.segments(db)
        self._runs = [(run, traces.Run.open(self._root / run.path)) for run in manifest.trace_runs(db)]
        self._load_hot()

    @classmethod
    def open(
        cls,
        data: DataDir,
        *,
        clock: Clock,
        options: StoreOptions = StoreOptions(),
        disk: Disk = POSIX,
    ) -> "Catalog":
        """Lock, open or create the ledger, and remove files that a crash left behind. Raises Locked, Incompatible."""
        disk.mkdir(data.ledger)
        disk.mkdir(data.run)
        lock = disk.lock(data.ledger, data.run / "poster")
        try:
            db = manifest.create_or_open(data.catalog)
            check_posting_version(db, data.catalog)
            catalog = cls(data, db, lock, clock=clock, disk=disk, options=options)
            catalog._remove_orphans()
        except BaseException:
            lock.release()
            raise
        return catalog

    def commit(
        self,
        *,
        cursor: int,
        rows: Mapping[str, pa.Table],
        traces: tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]],
        keys: Mapping[str, int],
        state: Mapping[str, bytes | None],
    ) -> None:
        """One transaction: rows, traces new in them, control keys, state (None removes a name) and the cursor."""
        assert cursor >= self.cursor, f"cursor may not go back from {self.cursor} to {cursor}"
        full = {name: checked(name, part) for name, part in rows.items() if part.num_rows}
        check_events(full)
        pairs = traces_in_order(traces)
        with transaction(self._db):
            for name, part in full.items():
                self._db.execute("INSERT INTO hot VALUES (NULL, ?, ?, ?)", (name, part.num_rows, hot.encode(part)))
            self._commit_traces(pairs)
            self._db.executemany("INSERT INTO control_key VALUES (?, ?)", keys.items())
            self._commit_state(state)
            manifest.put_meta(self._db, "cursor", cursor)
        self.cursor = cursor
        if self._hot.rows == 0:
            self._hot_since_ns = self._clock.monotonic_ns()
        self._hot.add(full)
        self._add_hot_traces(pairs)

    def key_seq(self, key: str) -> int | None:
        """The event that was posted under a control key."""
        row = self._db.execute("SELECT event_seq FROM control_key WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def state(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT body FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def probe(self, trace_hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(index into `trace_hashes`, source_seq) of every known pair, ordered by both."""
        return traces.probe([self._hot_run, *(run for _, run in self._runs)], trace_hashes)

    def read(
        self,
        table: str,
        trace_ids: Sequence[bytes],
        seqs: Sequence[int] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """All rows of `table` (one of segment.TRACED) that belong to `trace_ids`, of every tenant, in no order.

        `seqs` keeps only rows written by these events (the column segment.SEQ[table]) and skips files without them.
        """
        assert table in segment.TRACED, f"{table} has no trace ids"
        names = list(columns or ARROW[table].names)
        seq = segment.SEQ[table]
        wanted, events = sorted(set(trace_ids)), None if seqs is None else np.unique(np.array(seqs, np.int64))
        read = list(dict.fromkeys([*names, seq]))
        parts = [segment.of_traces(self._hot.table(table), wanted).select(read)]
        for part in self._segments:
            if part.table_name == table and may_hold(part, events):
                parts.append(segment.read(self._root / part.path, table, wanted, read))
        rows = pa.concat_tables(parts)
        if events is not None:
            rows = rows.filter(pc.is_in(rows[seq], value_set=pa.array(events)))
        return rows.select(names)

    def flush(self) -> None:
        """Hot rows become segments, hot traces a run: files first, each durable, then one transaction swaps."""
        if self._hot.rows == 0 and len(self._hot_run.hashes) == 0:
            return
        number = self._file_number
        written: list[Segment] = []
        events = self._hot.table("events")
        for table in ARROW:
            for shard, day, part in segment.split(table, self._hot.table(table), events):
                number += 1
                written.append(self._write_segment(number, table, shard, day, part))
        runs = []
        if len(self._hot_run.hashes):
            number += 1
            runs.append(self._write_run(number, [self._hot_run]))
        with transaction(self._db):
            for made in written:
                manifest.put_segment(self._db, made)
            for run in runs:
                manifest.put_trace_run(self._db, run)
            self._db.execute("DELETE FROM hot")
            self._db.execute("DELETE FROM trace_hot")
            manifest.put_meta(self._db, "file", number)
        self._file_number = number
        self._segments += written
        self._runs += [(run, traces.Run.open(self._root / run.path)) for run in runs]
        self._clear_hot()

    def tidy(self) -> None:
        """What time and size ask for, a bounded step of it: flush, one merge of segments, one of runs, removals."""
        age_s = (self._clock.monotonic_ns() - self._hot_since_ns) / 1e9
        options = self._options
        full = self._hot.rows >= options.flush_rows or self._hot.nbytes >= options.flush_bytes
        if full or (self._hot.rows and age_s >= options.flush_age_s):
            self.flush()
        self._merge_segments()
        self._merge_runs()
        self._remove_replaced()

    def close(self) -> None:
        """Flush, fold the log into the catalog file, release the lock."""
        try:
            self.flush()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go without flushing, as a crash would; the hot rows are there at the next open."""
        self._db.close()
        self._lock.release()

    # --- hot rows -----------------------------------------------------------------------------------------------

    def _load_hot(self) -> None:
        self._clear_hot()
        for name, body in self._db.execute("SELECT table_name, body FROM hot ORDER BY hot_id"):
            self._hot.add({name: hot.decode(name, body)})
        for (body,) in self._db.execute("SELECT body FROM trace_hot ORDER BY hot_id"):
            self._add_hot_traces(traces.decode(body))

    def _clear_hot(self) -> None:
        self._hot = hot.HotRows()
        self._hot_since_ns = self._clock.monotonic_ns()
        self._hot_run = traces.Run(None, np.empty(0, np.uint64), np.empty(0, np.int64))

    def _add_hot_traces(self, pairs: traces.Pairs) -> None:
        run = self._hot_run
        merged = traces.in_order(np.concatenate([run.hashes, pairs[0]]), np.concatenate([run.seqs, pairs[1]]))
        self._hot_run = traces.Run(None, *merged)

    def _commit_traces(self, pairs: traces.Pairs) -> None:
        if len(pairs[0]):
            self._db.execute("INSERT INTO trace_hot VALUES (NULL, ?, ?)", (len(pairs[0]), traces.encode(pairs)))

    def _commit_state(self, state: Mapping[str, bytes | None]) -> None:
        for name, body in state.items():
            if body is None:
                self._db.execute("DELETE FROM state WHERE name = ?", (name,))
            else:
                self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, body))

    # --- files --------------------------------------------------------------------------------------------------

    def _write_segment(self, number: int, table: str, shard: int, day: str, rows: pa.Table) -> Segment:
        path = Path(FILES_DIRECTORY) / table / day / f"{number:08d}.parquet"
        with published(self._disk, self._root / path) as out:
            segment.write(out, table, shard, day, rows)
        footer = segment.footer(self._root / path)
        assert footer.num_rows == rows.num_rows, f"{path}: {footer.num_rows} rows, {rows.num_rows} were written"
        raw = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        seqs = rows[segment.SEQ[table]].to_numpy()
        size = (self._root / path).stat().st_size
        first, last = int(seqs.min()), int(seqs.max())
        return Segment(number, table, shard, day, str(path), rows.num_rows, size, raw, first, last)

    def _write_run(self, number: int, runs: Sequence[traces.Run]) -> TraceRun:
        path = Path(RUNS_DIRECTORY) / f"{number:08d}.run"
        with published(self._disk, self._root / path) as out:
            pairs = traces.write(out, runs)
        return TraceRun(number, str(path), pairs)

    def _merge_segments(self) -> None:
        options = self._options
        candidates = (((s.table_name, s.shard, s.day), s.raw_bytes, s) for s in self._segments)
        old = merge.due(
            candidates, fan_in=options.merge_fan_in, smallest=merge.TIER_BYTES, largest=options.segment_bytes_max
        )
        if old is None:
            return
        rows = pa.concat_tables([self._read_whole(part) for part in old])
        assert rows.num_rows == sum(part.rows for part in old), "segments do not hold the rows the manifest says"
        number = self._file_number + 1
        made = self._write_segment(number, old[0].table_name, old[0].shard, old[0].day, rows)
        with transaction(self._db):
            manifest.replace_files(self._db, "segment", old, self._clock.now_ns())
            manifest.put_segment(self._db, made)
            manifest.put_meta(self._db, "file", number)
        self._file_number = number
        self._segments = [part for part in self._segments if part not in old] + [made]

    def _read_whole(self, part: Segment) -> pa.Table:
        with pq.ParquetFile(self._root / part.path, page_checksum_verification=True) as file:
            return hot.conform(part.table_name, file.read(use_threads=False))

    def _merge_runs(self) -> None:
        options = self._options
        candidates = ((0, pair[0].pairs, pair) for pair in self._runs)
        old = merge.due(candidates, fan_in=options.run_fan_in, smallest=options.run_pairs_smallest, largest=2**63)
        if old is None:
            return
        for _, run in old:
            run.check()
        number = self._file_number + 1
        made = self._write_run(number, [run for _, run in old])
        with transaction(self._db):
            manifest.replace_files(self._db, "trace_run", [record for record, _ in old], self._clock.now_ns())
            manifest.put_trace_run(self._db, made)
            manifest.put_meta(self._db, "file", number)
        self._file_number = number
        gone = {record.file_number for record, _ in old}
        kept = [pair for pair in self._runs if pair[0].file_number not in gone]
        self._runs = [*kept, (made, traces.Run.open(self._root / made.path))]

    def _remove_replaced(self) -> None:
        before_ns = self._clock.now_ns() - int(self._options.replaced_keep_s * 1e9)
        query = "SELECT path FROM replaced WHERE replaced_ns <= ? ORDER BY path"
        paths = [row[0] for row in self._db.execute(query, (before_ns,))]
        if not paths:
            return
        # FULL: the log, with the swap that replaced these files, must be on the disk before they are gone; a power
        # cut could otherwise take back the swap and leave a manifest that names files which no longer exist.
        self._db.execute("PRAGMA synchronous = FULL")
        with transaction(self._db):
            self._db.executemany("DELETE FROM replaced WHERE path = ?", [(path,) for path in paths])
        self._db.execute("PRAGMA synchronous = NORMAL")
        for path in paths:
            self._disk.unlink(self._root / path)

    def _remove_orphans(self) -> None:
        known = {part.path for part in self._segments} | {run.path for run, _ in self._runs}
        known |= {row[0] for row in self._db.execute("SELECT path FROM replaced")}
        for top in (FILES_DIRECTORY, RUNS_DIRECTORY):
            for directory, _, names in os.walk(self._root / top):
                for name in sorted(names):
                    path = Path(directory) / name
                    if str(path.relative_to(self._root)) not in known:
                        self._disk.unlink(path)


def check_posting_version(db: sqlite3.Connection, path: Path) -> None:
    found = manifest.get_meta(db, "posting_version")
    if found != POSTING_VERSION:
        db.close()
        raise Incompatible(
            f"{path}: posted by version {found} of the posting rules, this program posts by {POSTING_VERSION}; "
            "run `spanledger rebuild`"
        )


def checked(table: str, rows: pa.Table) -> pa.Table:
    """`rows`, which must have exactly the columns of `table`, with its field ids."""
    schema = ARROW[table]
    same = rows.schema.equals(schema, check_metadata=False)
    assert same, f"rows for {table} do not have its columns:\n{rows.schema}\ninstead of\n{schema}"
    return (
        rows if rows.schema.equals(schema, check_metadata=True) else pa.Table.from_arrays(rows.columns, schema=schema)
    )


def check_events(rows: Mapping[str, pa.Table]) -> None:
    """Every row's event must be in the same commit: its receipt decides which day's segment the row goes to."""
    known = rows["events"]["event_seq"].to_numpy() if "events" in rows else np.empty(0, np.int64)
    for table, part in rows.items():
        seqs = np.unique(part[segment.SEQ[table]].to_numpy())
        missing = np.setdiff1d(seqs, known)
        assert not len(missing), f"rows of {table} written by events {missing[:5]} without a row in `events`"


def traces_in_order(pairs: tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]) -> traces.Pairs:
    return traces.in_order(np.asarray(pairs[0], np.uint64), np.asarray(pairs[1], np.int64))


def may_hold(part: Segment, events: npt.NDArray[np.int64] | None) -> bool:
    if events is None:
        return True
    at = int(np.searchsorted(events, part.first_seq))
    return at < len(events) and int(events[at]) <= part.last_seq

"""The poster's door to DATA/ledger: rows, cursor and everything that must agree with it, one transaction a commit.

Guarantees: a commit is there whole or not at all, whatever ends the process; a flush or merge moves rows and never
changes which rows there are; a file that left the manifest stays for readers that know it, then goes.
Rows come in by `commit` only and are never edited. Readers use `ledger.store.snapshot` and need no lock.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ledger.journal.disk import POSIX, Disk, Lock
from ledger.paths import DataDir
from ledger.schema import ARROW
from ledger.seams import IN_STEP, Clock
from ledger.store import activity, hot, manifest, segment, series, traces, unsettled, whole
from ledger.store.manifest import Connect, transaction
from ledger.store.merger import Merger
from ledger.store.options import StoreOptions
from ledger.store.shelf import Added, Shelf


class Catalog:
    def __init__(
        self,
        data: DataDir,
        db: sqlite3.Connection,
        lock: Lock,
        *,
        clock: Clock,
        disk: Disk,
        options: StoreOptions,
        merging: Executor,
    ) -> None:
        self._db, self._lock, self._clock, self._options = db, lock, clock, options
        self.cursor = manifest.get_meta(db, "cursor")
        self._shelf = Shelf(data.ledger, db, disk)
        self._merger = Merger(self._shelf, merging, options)
        self._hot: hot.HotRows
        self._hot_run: traces.Run
        self._hot_since_ns: int
        self._load_hot()

    @classmethod
    def open(
        cls,
        data: DataDir,
        *,
        clock: Clock,
        options: StoreOptions = StoreOptions(),
        disk: Disk = POSIX,
        connect: Connect = sqlite3.connect,
        merging: Executor = IN_STEP,
    ) -> "Catalog":
        """Lock, open or create the ledger, and remove files that a crash left behind. Raises Locked, Incompatible.

        Merged files are written in `merging`, which sees no more of the ledger than files that never change.
        """
        disk.mkdir(data.ledger)
        disk.mkdir(data.run)
        lock = disk.lock(data.ledger, data.run / "poster")
        try:
            db = manifest.create_or_open(data.catalog, disk, connect)
            try:
                catalog = cls(data, db, lock, clock=clock, disk=disk, options=options, merging=merging)
                catalog._shelf.remove_orphans()
            except BaseException:
                db.close()
                raise
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
        active: tuple[Sequence[tuple[bytes, int]], Sequence[tuple[bytes, *activity.Row]]] = ((), ()),
        counters: Mapping[bytes, series.Counter] = MappingProxyType({}),
        touched: Mapping[unsettled.Trace, int | None] = MappingProxyType({}),
    ) -> None:
        """One transaction: rows, traces new in them, control keys, state (None removes a name), when conversations were
        `active` (store.activity.put), where `counters` stand (store.series), what is left to be settled of the traces
        `touched` (store.unsettled.put) and the cursor.

        Rows that fill the hot part go straight to segments with it: a poster that catches up writes them once.
        """
        assert cursor >= self.cursor, f"cursor may not go back from {self.cursor} to {cursor}"
        full = {name: checked(name, part) for name, part in rows.items() if part.num_rows}
        check_events(full)
        pairs = traces_in_order(traces)
        if self._hot.rows == 0:
            self._hot_since_ns = self._clock.monotonic_ns()
        hot_before, run_before = self._hot.copy(), self._hot_run
        self._hot.add(full)
        self._add_hot_traces(pairs)
        try:
            added = self._write_hot() if self._is_full() else None
            with transaction(self._db):
                if added is None:
                    self._commit_hot(full, pairs)
                else:
                    self._put_in_place_of_hot(added)
                self._db.executemany("INSERT INTO control_key VALUES (?, ?)", keys.items())
                self._commit_state(state)
                activity.put(self._db, *active)
                series.put(self._db, counters)
                unsettled.put(self._db, touched)
                manifest.put_meta(self._db, "cursor", cursor)
        except BaseException:
            self._hot, self._hot_run = hot_before, run_before
            raise
        self.cursor = cursor
        if added is not None:
            self._take_in_place_of_hot(added)

    def key_seq(self, key: str) -> int | None:
        """The event that was posted under a control key."""
        row = self._db.execute("SELECT event_seq FROM control_key WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def near(self, conversation: bytes, start_ns: int, end_ns: int) -> Iterator[activity.Row]:
        """When `conversation` was active from start_ns to end_ns."""
        return activity.near(self._db, conversation, start_ns, end_ns)

    def counters(self, names: Sequence[bytes]) -> dict[bytes, series.Counter]:
        """Where those of the series `names` stand that were read before."""
        return series.last(self._db, names)

    def unsettled(self, from_seq: int, through_seq: int, most: int) -> list[unsettled.Trace]:
        """Traces with something left to be settled that an event of this stretch touched last, the earliest first."""
        return unsettled.within(self._db, from_seq, through_seq, most)

    def state(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT body FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def probe(self, trace_hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(index into `trace_hashes`, source_seq) of every known pair, ordered by both."""
        return traces.probe([self._hot_run, *self._shelf.runs], trace_hashes)

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
        for part in self._shelf.segments:
            if part.table_name == table and (events is None or part.may_hold(events)):
                whole.check(self._shelf.root, part)
                parts.append(segment.read(self._shelf.root / part.path, table, wanted, read))
        rows = pa.concat_tables(parts)
        if events is not None:
            rows = rows.filter(pc.is_in(rows[seq], value_set=pa.array(events)))
        return rows.select(names)

    def read_events(self, table: str, seqs: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """`columns` of all rows of `table` written by the events `seqs`, in no order."""
        wanted = np.unique(seqs)
        parts = [segment.by_events(self._hot.table(table), table, wanted).select(columns)]
        for part in self._shelf.segments:
            if part.table_name == table and part.may_hold(wanted):
                whole.check(self._shelf.root, part)
                parts += segment.of_events(self._shelf.root / part.path, table, wanted, columns)
        return pa.concat_tables(parts)

    def scan(self, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """`columns` of all rows of `table`, a part at a time, in no order. It reads every file: for what is rare."""
        yield self._hot.table(table).select(columns)
        for part in self._shelf.segments:
            if part.table_name == table:
                whole.check(self._shelf.root, part)
                yield from segment.batches(self._shelf.root / part.path, table, columns)

    def flush(self) -> None:
        """Hot rows become segments, hot traces a run: files first, each durable, then one transaction swaps."""
        if self._hot.rows == 0 and len(self._hot_run.hashes) == 0:
            return
        added = self._write_hot()
        with transaction(self._db):
            self._put_in_place_of_hot(added)
        self._take_in_place_of_hot(added)

    def tidy(self) -> None:
        """What time and size ask for, a bounded step of it: flush, merges, removals.

        Raises what kept a merge from being written, which is tried again by the next call."""
        age_s = (self._clock.monotonic_ns() - self._hot_since_ns) / 1e9
        options = self._options
        if self._is_full() or (self._hot.rows and age_s >= options.flush_age_s):
            self.flush()
        self._merger.step(self._clock.now_ns())
        self._shelf.remove_replaced(self._clock.monotonic_ns(), int(options.replaced_keep_s * 1e9))

    def await_merge(self) -> None:
        """Return once no merged file is being written beside."""
        self._merger.await_written()

    def close(self) -> None:
        """Flush, fold the log into the catalog file, release the lock. A merge under way is given up."""
        self._merger.end()
        try:
            self.flush()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go without flushing, as a crash would; the hot rows are there at the next open."""
        try:
            self._merger.close()
        finally:
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

    def _is_full(self) -> bool:
        return self._hot.rows >= self._options.flush_rows or self._hot.nbytes >= self._options.flush_bytes

    def _write_hot(self) -> Added:
        return self._shelf.write({table: self._hot.table(table) for table in ARROW}, self._hot_run)

    def _put_in_place_of_hot(self, added: Added) -> None:
        self._shelf.put(added)
        self._db.execute("DELETE FROM hot")
        self._db.execute("DELETE FROM trace_hot")

    def _take_in_place_of_hot(self, added: Added) -> None:
        self._shelf.take(added)
        self._clear_hot()

    def _commit_hot(self, full: Mapping[str, pa.Table], pairs: traces.Pairs) -> None:
        for name, part in full.items():
            self._db.execute("INSERT INTO hot VALUES (NULL, ?, ?, ?)", (name, part.num_rows, hot.encode(part)))
        self._commit_traces(pairs)

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

"""The same views over the traces that a question is about, so that one run does not cost a walk through the ledger.

The views read `base.*`; here `base.*` holds only the rows of some traces, and the views are the very same statements.
The index of known traces and runs says at which events a run was first seen and a trace had spans: only files with such
events are opened, and in them rows of a trace lie together, so taking them out reads few row groups.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ledger.schema import ARROW
from ledger.store import fold, traces
from ledger.store.snapshot import Snapshot
from queries import merges
from queries.connect import parquet, shown
from queries.room import SETTLED_NOW, rooms

BY_TRACE = ("spans", "logs", "readings", "residuals", "placements", "charges", "run_parts")
"""Tables that carry a trace id; the rest stay empty here. A log record without one goes by its content hash."""
SUMMARY = ("run_parts",)
"""What `runs` alone is made of."""
CONTENT = ("input", "output", "body", "attributes", "resource")
"""Prompts and attributes are nine tenths of the bytes, and lists show none of them."""
LITERALS_MAX = 64
"""Up to so many ids are written out, so that row groups can be skipped by them; more are joined."""
CANDIDATES_MAX = 16
"""Runs looked at for one prefix: more than a few is ambiguous anyway."""
ID_DIGITS = 32
HALF_DIGITS = 16
"""Of a run id, what the index knows."""

Events = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Traces:
    """Some traces of tenants, (tenant, trace_id) each, and all events that brought spans of them."""

    keys: Sequence[tuple[str, bytes]]
    events: Events

    @property
    def ids(self) -> list[bytes]:
        return sorted({trace_id for _, trace_id in self.keys})


@contextmanager
def of_run(
    connection: duckdb.DuckDBPyConnection, prefix: str, tables: Sequence[str] = BY_TRACE
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The traces of every run whose id begins with `prefix`, without content. None where `prefix` is no id.

    `tables`: what is wanted of them. Where the run goes by another id now it is all of BY_TRACE in any case.
    """
    digits = prefix.lower() if prefix and set(prefix.lower()) <= set("0123456789abcdef") else ""
    parts = _parts(connection, digits) if digits else ARROW["run_parts"].empty_table()
    joined = _joined(connection, parts, digits)
    if joined.num_rows:  # one run, which goes by each of their ids
        parts = pa.concat_tables([parts, _parts_of(connection, merges.ids(joined))])
        tables = BY_TRACE
    wanted = _known(connection, parts)
    if tables == SUMMARY and _is_current(connection, parts, wanted):
        rows = {"run_parts": parts}
    elif parts.num_rows or not digits:
        rows = _rows_of(connection, wanted, BY_TRACE if tables == SUMMARY else tables)
    else:  # perhaps an id from before more was known of the run
        wanted = _known(connection, _earlier(connection, digits))
        rows = _rows_of(connection, wanted, BY_TRACE)
    heirs = _heirs(rows["run_parts"], digits)
    if heirs:
        joined = merges.family(connection, heirs)
        whole = _known(connection, _parts_of(connection, [*heirs, *merges.ids(joined)]))
        rows = _rows_of(connection, whole, BY_TRACE)
    with rooms.holding(rows | {"run_merges": joined, "settled_now": settled_now(connection)}) as narrow:
        yield narrow


def settled_now(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The stretches of the journal that are settled."""
    return pa.Table.from_pylist(
        [{"from_seq": first, "through_seq": last} for first, last in shown(connection).settled], schema=SETTLED_NOW
    )


def _joined(connection: duckdb.DuckDBPyConnection, parts: pa.Table, digits: str) -> pa.Table:
    """Which runs are one with those of `parts`, or with those whose id begins with `digits`."""
    if not digits or not merges.any_merged(connection):
        return merges.NONE
    begins = _begins(digits)
    named = merges.selected(connection, f"{begins} OR {begins.replace('run_id', 'into_run_id')}", CANDIDATES_MAX)
    return merges.family(connection, [*merges.ids(named), *parts["run_id"].unique().to_pylist()])


@dataclass(frozen=True)
class Touched:
    """Which events touched what a question about a run was answered from. While they are the same, so is the answer."""

    catalog_inode: int
    ranges: tuple[tuple[int, int], ...]
    """Of run hashes: runs that begin as was asked, and the one that was found."""
    trace_hashes: npt.NDArray[np.uint64]
    events: Events

    def still(self, state: Snapshot) -> bool:
        """Whether `state` says the same."""
        if state.catalog_inode != self.catalog_inode:
            return False
        return np.array_equal(_touching(state, self.ranges, self.trace_hashes), self.events)

    @property
    def nbytes(self) -> int:
        return self.trace_hashes.nbytes + self.events.nbytes


def touched(narrow: duckdb.DuckDBPyConnection, state: Snapshot, prefix: str, run_id: str) -> Touched:
    """Of what `of_run` narrowed to for `prefix`, of the ledger at `state`; `run_id` was found in it."""
    rows = _with_ids(narrow.sql("SELECT DISTINCT tenant, trace_id FROM base.run_parts").to_arrow_table())
    ranges, hashes = (_range(prefix.lower()), _range(run_id)), traces.trace_hashes(rows["tenant"], rows["trace_id"])
    return Touched(state.catalog_inode, ranges, hashes, _touching(state, ranges, hashes))


def _touching(
    state: Snapshot, ranges: Sequence[tuple[int, int]], trace_hashes: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Events, and which trace each touched, one list after the other."""
    at, seqs = traces.probe(state.runs, trace_hashes)
    return np.concatenate([*(traces.between(state.runs, low, high) for low, high in ranges), at, seqs])


def _range(digits: str) -> tuple[int, int]:
    """Hashes of the runs whose id begins with `digits`."""
    half = digits[:HALF_DIGITS]
    return int(half.ljust(HALF_DIGITS, "0"), 16), int(half.ljust(HALF_DIGITS, "f"), 16)


def _heirs(parts: pa.Table, digits: str) -> list[bytes]:
    """The runs that have the spans now, where what `digits` begins are only earlier ids of others."""
    now = fold.folded("run_parts", parts)["run_id"].unique().to_pylist()
    return [] if any(run.hex().startswith(digits) for run in now) else now


def _parts(connection: duckdb.DuckDBPyConnection, digits: str) -> pa.Table:
    """Rows of run_parts of runs whose id begins with `digits`: one or more of every trace that has such a run now."""
    events = traces.between(shown(connection).runs, *_range(digits))
    return _select(connection, "run_parts", ARROW["run_parts"].names, events, _begins(digits))


def _parts_of(connection: duckdb.DuckDBPyConnection, runs: Sequence[bytes]) -> pa.Table:
    """The same of the runs `runs`."""
    return pa.concat_tables([_parts(connection, run.hex()) for run in runs])


def _begins(digits: str) -> str:
    """What asks for run ids that begin with `digits`. A whole id is asked for as such: it can be looked up."""
    low, high = (bytes.fromhex(digits[:ID_DIGITS].ljust(ID_DIGITS, fill)) for fill in "0f")
    return f"run_id = {_blob(low)}" if low == high else f"run_id BETWEEN {_blob(low)} AND {_blob(high)}"


def _earlier(connection: duckdb.DuckDBPyConnection, digits: str) -> pa.Table:
    """(tenant, trace_id) of what ever was placed in runs whose id begins with `digits`."""
    runs = f"SELECT DISTINCT run_id FROM base.placements WHERE {_begins(digits)} LIMIT {CANDIDATES_MAX}"
    query = f"SELECT DISTINCT tenant, trace_id FROM base.placements WHERE {_begins(digits)} AND run_id IN ({runs})"
    return _with_ids(connection.sql(query).to_arrow_table())


def _known(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> Traces:
    """The traces of `rows`, with their events."""
    keys = rows.select(["tenant", "trace_id"]).group_by(["tenant", "trace_id"], use_threads=False).aggregate([])
    if not keys.num_rows:
        return Traces([], np.empty(0, np.int64))
    _, events = traces.probe(shown(connection).runs, traces.trace_hashes(keys["tenant"], keys["trace_id"]))
    return Traces(list(zip(keys["tenant"].to_pylist(), keys["trace_id"].to_pylist(), strict=True)), np.unique(events))


def _is_current(connection: duckdb.DuckDBPyConnection, parts: pa.Table, known: Traces) -> bool:
    """Whether no trace of `parts` had spans after the last row here: nothing newer is to be looked for."""
    latest = fold.folded("run_parts", parts)
    if not latest.num_rows or len(known.keys) != latest.num_rows:
        return False
    at, events = traces.probe(shown(connection).runs, traces.trace_hashes(latest["tenant"], latest["trace_id"]))
    return bool((events <= latest["event_seq"].to_numpy()[at]).all())


@contextmanager
def of_span(connection: duckdb.DuckDBPyConnection, trace_id: str, span_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """One span with its content and its logs, and what its trace was charged, of every tenant who has these ids."""
    ids = [bytes.fromhex(trace_id)]
    events = connection.execute(
        f"SELECT MIN(first_seq), MAX(event_seq) FROM base.run_parts WHERE {_among('trace_id', ids)}"
    ).fetchall()[0]
    known = Traces(
        [("", ids[0])], np.arange(events[0], events[1] + 1) if events[0] is not None else np.empty(0, np.int64)
    )
    where = f"{_among('trace_id', ids)} AND span_id = {_blob(bytes.fromhex(span_id))}"
    spans = _select(connection, "spans", ARROW["spans"].names, known.events, where)
    _, log_events = traces.probe(shown(connection).runs, traces.log_trace_hashes(spans["tenant"], spans["trace_id"]))
    logs = _select(connection, "logs", ARROW["logs"].names, np.unique(log_events), where)
    rest = _rows_of(connection, known, [table for table in BY_TRACE if table not in ("spans", "logs")])
    with rooms.holding(_with_merges(connection, rest) | {"spans": spans, "logs": logs}) as narrow:
        yield narrow


@contextmanager
def of_log(connection: duckdb.DuckDBPyConnection, seq: int, index: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """One log record with its content, and what was decided and charged about it."""
    events = np.array([seq], dtype=np.int64)
    where = f"source_seq = {seq} AND log_index = {index}"
    logs = _select(connection, "logs", ARROW["logs"].names, events, where)
    ids = pc.coalesce(logs["trace_id"], logs["content_hash"].cast(pa.binary(16)))
    wanted = _known(connection, pa.table({"tenant": logs["tenant"], "trace_id": ids}))
    rest = _rows_of(connection, wanted, [table for table in BY_TRACE if table != "logs"])
    with rooms.holding(_with_merges(connection, rest) | {"logs": logs}) as narrow:
        yield narrow


@contextmanager
def of_settlement(connection: duckdb.DuckDBPyConnection, seq: int, index: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """What an event that settles found at `index`, and what was decided and charged about its trace."""
    where = f"source_seq = {seq} AND residual_index = {index}"
    found = _select(connection, "residuals", ["tenant", "trace_id"], np.array([seq], dtype=np.int64), where)
    keys = list(zip(found["tenant"].to_pylist(), found["trace_id"].to_pylist(), strict=True))
    with of_traces(connection, keys) if keys else rooms.holding({}) as narrow:
        yield narrow


@contextmanager
def of_traces(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[tuple[str, bytes]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The traces `keys`, (tenant, trace_id) each, and what was decided about them and charged, without content."""
    tenants, ids = zip(*keys, strict=True)
    wanted = _known(connection, pa.table({"tenant": pa.array(tenants), "trace_id": pa.array(ids, pa.binary(16))}))
    with rooms.holding(_with_merges(connection, _rows_of(connection, wanted, BY_TRACE))) as narrow:
        yield narrow


def _rows_of(connection: duckdb.DuckDBPyConnection, wanted: Traces, tables: Sequence[str]) -> dict[str, pa.Table]:
    """Rows of `tables` that belong to the traces `wanted`, of every tenant, without content."""
    with _among_many(connection, wanted.ids) as among:
        return {table: _of_traces(connection, table, wanted, among) for table in tables}


def _with_merges(connection: duckdb.DuckDBPyConnection, rows: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """`rows` and which of the runs in them were joined with others."""
    return rows | {"run_merges": merges.family(connection, rows["run_parts"]["run_id"].unique().to_pylist())}


def _of_traces(connection: duckdb.DuckDBPyConnection, table: str, wanted: Traces, among: str) -> pa.Table:
    names = ARROW[table].names
    held = [name for name in names if name not in CONTENT]
    where = f"trace_id {among}"
    if "content_hash" in names:
        where += f" OR (trace_id IS NULL AND content_hash {among})"
    found = _select(connection, table, held, wanted.events, where)
    columns = [
        found[name] if name in held else pa.nulls(found.num_rows, ARROW[table].field(name).type) for name in names
    ]
    return pa.table(columns, names=names)


def _select(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], events: Events, where: str
) -> pa.Table:
    """`columns` of the rows of `table` for which `where` holds, in files with rows of `events` and in hot rows."""
    state = shown(connection)
    paths = [state.root / part.path for part in state.manifest if part.table_name == table and part.may_hold(events)]
    sources = [parquet(paths)] if paths else []
    query = " UNION ALL ".join(
        f"SELECT {', '.join(columns)} FROM {source} WHERE ({where})" for source in [*sources, f"hot_{table}"]
    )
    return _with_ids(connection.sql(query).to_arrow_table())


def _with_ids(rows: pa.Table) -> pa.Table:
    """`rows` with trace ids of their fixed width, which DuckDB does not keep."""
    at = rows.column_names.index("trace_id")
    return rows.set_column(at, "trace_id", rows["trace_id"].cast(pa.binary(16)))


@contextmanager
def _among_many(connection: duckdb.DuckDBPyConnection, ids: Sequence[bytes]) -> Iterator[str]:
    """What asks whether the column before it is among the traces `ids`."""
    if len(ids) <= LITERALS_MAX:
        yield f"IN ({', '.join(map(_blob, ids))})" if ids else "IN (NULL)"
        return
    connection.register("wanted_traces", pa.table({"trace_id": pa.array(ids, pa.binary())}))
    try:
        yield "IN (SELECT trace_id FROM wanted_traces)"
    finally:
        connection.unregister("wanted_traces")


def _among(column: str, ids: Sequence[bytes]) -> str:
    return f"{column} IN ({', '.join(map(_blob, ids))})" if ids else "FALSE"


def _blob(value: bytes) -> str:
    return f"from_hex('{value.hex()}')"

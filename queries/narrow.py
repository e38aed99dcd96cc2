"""The same views over the traces that a question is about, so that one run does not cost a walk through the ledger.

The views read `base.*`; here `base.*` holds only the rows of some traces, and the views are the very same statements.
Rows of a trace lie together in a segment, so taking them out reads few row groups.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from ledger.schema import ARROW
from queries.views import ORDER, statement

BY_TRACE = ("spans", "placements", "charges")
"""Tables that carry a trace id; the rest stay empty here."""
NO_CONTENT = (
    "* REPLACE (NULL::VARCHAR AS input, NULL::VARCHAR AS output, NULL::MAP(VARCHAR, VARCHAR) AS attributes, "
    "NULL::MAP(VARCHAR, VARCHAR) AS resource)"
)
"""Prompts and attributes are nine tenths of the bytes, and lists show none of them."""
LITERALS_MAX = 64
"""Up to so many ids are written out, so that row groups can be skipped by them; more are joined."""
CANDIDATES_MAX = 16
"""Runs looked at for one prefix: more than a few is ambiguous anyway."""
ID_DIGITS = 32


@contextmanager
def of_run(connection: duckdb.DuckDBPyConnection, prefix: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The traces of every run whose id begins with `prefix`, without content. None where `prefix` is no id."""
    digits = prefix.lower() if prefix and set(prefix.lower()) <= set("0123456789abcdef") else ""
    low, high = (bytes.fromhex(digits[:ID_DIGITS].ljust(ID_DIGITS, fill)) for fill in "0f")
    query = "SELECT DISTINCT run_id FROM base.placements WHERE run_id BETWEEN $low AND $high LIMIT $most"
    wanted = {"low": low, "high": high, "most": CANDIDATES_MAX if digits else 0}
    runs = [row[0] for row in connection.execute(query, wanted).fetchall()]
    traces = _ids(connection, f"SELECT trace_id FROM base.placements WHERE {_among('run_id', runs)}")
    with _over(connection, traces) as narrow:
        heirs = _heirs(narrow, runs)
        if not heirs:
            yield narrow
            return
    with _over(
        connection, _ids(connection, f"SELECT trace_id FROM base.placements WHERE {_among('run_id', heirs)}")
    ) as wider:
        yield wider


def _heirs(narrow: duckdb.DuckDBPyConnection, runs: Sequence[bytes]) -> list[bytes]:
    """The runs that hold the spans now, where `runs` are only the aliases of others."""
    query = "SELECT DISTINCT run_id FROM base.placements_as_of(9223372036854775807) WHERE run_id IS NOT NULL"
    now = [row[0] for row in narrow.execute(query).fetchall()]
    return [] if set(runs) & set(now) else now


@contextmanager
def of_span(connection: duckdb.DuckDBPyConnection, trace_id: str, span_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """One span with its content, and what its trace was charged."""
    only = f"span_id = {_blob(bytes.fromhex(span_id))}"
    with _over(connection, [bytes.fromhex(trace_id)], content=True, spans_where=only) as narrow:
        yield narrow


@contextmanager
def since(connection: duckdb.DuckDBPyConnection, start_ns: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """Everything about the runs with a span that began at or after `start_ns`: all their traces, without content."""
    touched = (
        f"SELECT trace_id FROM base.spans WHERE start_ns >= {int(start_ns)} UNION ALL "
        # Spans that say no start, as `runs` places them.
        "SELECT trace_id FROM base.spans WHERE start_ns = 0 "
        f"AND COALESCE(NULLIF(end_ns, 0), received_ns) >= {int(start_ns)}"
    )
    runs = f"SELECT run_id FROM base.placements WHERE trace_id IN ({touched})"
    traces = _ids(connection, f"SELECT trace_id FROM base.placements WHERE run_id IN ({runs})")
    with _over(connection, traces) as narrow:
        yield narrow


def _ids(connection: duckdb.DuckDBPyConnection, query: str) -> list[bytes]:
    return [row[0] for row in connection.execute(f"SELECT DISTINCT trace_id FROM ({query})").fetchall()]


@contextmanager
def _over(
    connection: duckdb.DuckDBPyConnection, traces: Sequence[bytes], *, content: bool = False, spans_where: str = "TRUE"
) -> Iterator[duckdb.DuckDBPyConnection]:
    rows = {table: _rows(connection, table, traces, content, spans_where) for table in BY_TRACE}
    with duckdb.connect(":memory:") as narrow:
        narrow.execute("SET TimeZone = 'UTC'")
        narrow.execute("CREATE SCHEMA base")
        narrow.execute("CREATE VIEW base.snapshot AS SELECT CAST(-1 AS BIGINT) AS cursor")
        for table, schema in ARROW.items():
            narrow.register(f"only_{table}", rows.get(table, schema.empty_table()))
            narrow.execute(f"CREATE VIEW base.{table} AS SELECT * FROM only_{table}")
        for name in ORDER:
            narrow.execute(statement(name))
        yield narrow


def _rows(
    connection: duckdb.DuckDBPyConnection, table: str, traces: Sequence[bytes], content: bool, spans_where: str
) -> pa.Table:
    columns = NO_CONTENT if table == "spans" and not content else "*"
    also = spans_where if table == "spans" else "TRUE"
    if len(traces) <= LITERALS_MAX:
        return connection.sql(
            f"SELECT {columns} FROM base.{table} WHERE {_among('trace_id', traces)} AND {also}"
        ).to_arrow_table()
    connection.register("wanted_traces", pa.table({"trace_id": pa.array(traces, pa.binary())}))
    try:
        return connection.sql(
            f"SELECT {columns} FROM base.{table} WHERE trace_id IN (SELECT trace_id FROM wanted_traces) AND {also}"
        ).to_arrow_table()
    finally:
        connection.unregister("wanted_traces")


def _among(column: str, ids: Sequence[bytes]) -> str:
    return f"{column} IN ({', '.join(map(_blob, ids))})" if ids else "FALSE"


def _blob(value: bytes) -> str:
    return f"from_hex('{value.hex()}')"

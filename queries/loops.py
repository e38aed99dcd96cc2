"""Loops: calls that runs made again and again with the same input, the dearest first."""

import duckdb
import pyarrow as pa

LEAST = 3
"""From how many identical calls on they are a loop, if nothing else is said; what the view `loops` shows."""
LIMIT_MAX = 10_000
"""Most loops of one answer."""


def loops(
    connection: duckdb.DuckDBPyConnection, least: int = LEAST, since_ns: int | None = None, limit: int = LIMIT_MAX
) -> pa.Table:
    """Rows of `repeated_calls(least)` whose last call began at `since_ns` or later."""
    query = (
        f"FROM repeated_calls({int(least)}) WHERE last_ns >= {int(since_ns or 0)} "
        f"ORDER BY cost_since_usd DESC NULLS LAST, repeats DESC, first_ns, first_call_id LIMIT {int(limit)}"
    )
    return connection.sql(query).to_arrow_table()

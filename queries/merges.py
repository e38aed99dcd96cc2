"""Runs of a conversation that were joined: all ids that lead to one run, and where they lead.

There are few such runs, mostly none, and then nothing is read.
"""

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from ledger.schema import ARROW
from queries.connect import parquet, shown

NONE = ARROW["run_merges"].empty_table()


def any_merged(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether there may be runs that were joined."""
    state = shown(connection)
    return bool(state.segments("run_merges")) or state.hot("run_merges").num_rows > 0


def family(connection: duckdb.DuckDBPyConnection, runs: Iterable[bytes]) -> pa.Table:
    """schema.RUN_MERGES of every id that leads to the same run as one of `runs`."""
    found, wanted, seen = NONE, set(runs), set[bytes]()
    while wanted - seen and any_merged(connection):
        ids = ", ".join(f"from_hex('{run.hex()}')" for run in sorted(wanted - seen))
        seen |= wanted
        found = pa.concat_tables([found, selected(connection, f"run_id IN ({ids}) OR into_run_id IN ({ids})")])
        wanted = {run for name in ("run_id", "into_run_id") for run in found[name].to_pylist()}
    return found.group_by(found.column_names, use_threads=False).aggregate([]).select(found.column_names)


def selected(connection: duckdb.DuckDBPyConnection, where: str, rows_max: int | None = None) -> pa.Table:
    """Rows of run_merges for which `where` holds, at most `rows_max` of them."""
    paths = shown(connection).segments("run_merges")
    sources = [*([parquet(paths)] if paths else []), "hot_run_merges"]
    query = " UNION ALL ".join(f"SELECT * FROM {source} WHERE {where}" for source in sources)
    limit = "" if rows_max is None else f" LIMIT {rows_max}"
    return connection.sql(f"SELECT * FROM ({query}){limit}").to_arrow_table().cast(NONE.schema)


def ids(merges: pa.Table) -> list[bytes]:
    """Every run id in `merges`."""
    return sorted({run for name in ("run_id", "into_run_id") for run in merges[name].to_pylist()})

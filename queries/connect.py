"""A DuckDB connection on one consistent state of the ledger, with all public views. In memory: nothing can be changed.

The views read `base.<table>`, one relation a table of ledger/schema.py over its segments and hot rows, ids as bytes.
Filters on the bytes of ids and on event numbers skip files' row groups; filters on hex text read the whole column.
"""

from pathlib import Path

import duckdb

from ledger.paths import DataDir
from ledger.schema import ARROW
from ledger.store.snapshot import Snapshot
from queries.views import ORDER, statement


def connect(data: DataDir, snapshot: Snapshot | None = None) -> duckdb.DuckDBPyConnection:
    """The ledger as it is now, or as `snapshot` found it. Raises NotFound when there is none."""
    state = snapshot or Snapshot.take(data)
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET parquet_metadata_cache = true")  # segments never change
    connection.execute("CREATE SCHEMA base")
    connection.execute(f"CREATE VIEW base.snapshot AS SELECT CAST({state.cursor} AS BIGINT) AS cursor")
    for table in ARROW:
        add_table(connection, state, table)
    for name in ORDER:
        connection.execute(statement(name))
    return connection


def add_table(connection: duckdb.DuckDBPyConnection, state: Snapshot, table: str) -> None:
    """Define `base.<table>`: the segments' rows and the hot rows together."""
    hot = state.hot(table)
    paths = state.segments(table)
    sources = []
    if paths:
        sources.append(f"SELECT * FROM read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)")
    if hot.num_rows or not paths:
        connection.register(f"hot_{table}", hot)
        sources.append(f"SELECT * FROM hot_{table}")
    connection.execute(f"CREATE VIEW base.{table} AS {' UNION ALL '.join(sources)}")


def quoted(path: Path) -> str:
    """A string literal that DuckDB takes as exactly this path."""
    return "'" + str(path).replace("'", "''") + "'"

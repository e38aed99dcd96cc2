"""A DuckDB connection on one consistent state of the ledger, with all public views. In memory: nothing can be changed.

The views read `base.<table>`, one relation a table of ledger/schema.py over its segments and hot rows, ids as bytes.
Filters on the bytes of ids and on event numbers skip files' row groups; filters on hex text read the whole column.
A question about some events reads their files alone (queries/narrow.py).
"""

import os
import shutil
import tempfile
from pathlib import Path
from weakref import WeakKeyDictionary

import duckdb

from ledger.paths import DataDir
from ledger.schema import ARROW
from ledger.store.snapshot import Snapshot
from queries.views import ORDER, statement

SPILL = "spill"
MEMORY_LIMIT = "2GB"
"""Of one connection. What sorts or groups more goes to disk and gets slower, and never takes the machine's memory."""
SPILL_LIMIT = "20GB"
"""Of one connection, on disk; a question that wants more ends with an error that says so."""


_shown: WeakKeyDictionary[duckdb.DuckDBPyConnection, Snapshot] = WeakKeyDictionary()


def shown(connection: duckdb.DuckDBPyConnection) -> Snapshot:
    """What `connection` shows."""
    return _shown[connection]


def connect(data: DataDir, snapshot: Snapshot | None = None) -> duckdb.DuckDBPyConnection:
    """The ledger as it is now, or as `snapshot` found it. Raises NotFound when there is none."""
    state = snapshot or Snapshot.take(data)
    connection = opened(
        {"memory_limit": MEMORY_LIMIT, "max_temp_directory_size": SPILL_LIMIT, "temp_directory": spill(data)}
    )
    connection.execute("SET parquet_metadata_cache = true")  # segments never change
    show(connection, state)
    add_views(connection)
    return connection


def without_rows() -> duckdb.DuckDBPyConnection:
    """All public views over a ledger that holds nothing: for the columns that they have, and of what kinds."""
    connection = opened({})
    show(connection, Snapshot(-1, Path(), (), {}))
    add_views(connection)
    return connection


def opened(config: dict[str, str | bool | int | float | list[str]]) -> duckdb.DuckDBPyConnection:
    """An empty database in memory with the schema `base`."""
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE SCHEMA base")
    return connection


def add_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Define the public views, once `base.<table>` are there."""
    for name in ORDER:
        connection.execute(statement(name))


def show(connection: duckdb.DuckDBPyConnection, state: Snapshot, before: Snapshot | None = None) -> None:
    """Let `connection` show `state`, where it showed `before`, or nothing yet. The views over it stay."""
    _shown[connection] = state
    connection.execute(f"CREATE OR REPLACE VIEW base.snapshot AS SELECT CAST({state.cursor} AS BIGINT) AS cursor")
    values = ", ".join(f"({first}::BIGINT, {last}::BIGINT)" for first, last in state.settled or [(-1, -1)])
    connection.execute(
        f"CREATE OR REPLACE VIEW base.settled_now AS FROM (VALUES {values}) AS s (from_seq, through_seq)"
    )
    for table in ARROW:
        connection.register(f"hot_{table}", state.hot(table))
        paths = state.segments(table)
        if before is None or before.segments(table) != paths:
            files = f"SELECT * FROM {parquet(paths)} UNION ALL " if paths else ""
            connection.execute(f"CREATE OR REPLACE VIEW base.{table} AS {files}SELECT * FROM hot_{table}")


def parquet(paths: list[Path]) -> str:
    return f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)"


def spill(data: DataDir) -> str:
    """Where a connection of this process puts what does not fit into memory. DuckDB makes it when it is needed and
    removes it in the end; what a process that was killed left there is removed here."""
    place = data.run if os.access(data.run, os.W_OK) else Path(tempfile.gettempdir())
    for left in place.glob(f"{SPILL}.*"):
        if not Path(f"/proc/{left.suffix[1:]}").exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
    return str(place / f"{SPILL}.{os.getpid()}")


def quoted(path: Path) -> str:
    """A string literal that DuckDB takes as exactly this path."""
    return "'" + str(path).replace("'", "''") + "'"

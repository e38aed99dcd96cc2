"""FOCUS rows as a test reads them."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from queries.export import focus
from queries.export.window import Window, take

EVERYTHING = Window()


def focus_rows(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, window: Window = EVERYTHING, per_run: bool = False
) -> list[dict[str, Any]]:
    take(connection, window)
    count = focus.write(connection, tmp_path / "focus.parquet", "parquet", per_run)
    rows: list[dict[str, Any]] = pq.read_table(tmp_path / "focus.parquet").to_pylist()
    assert len(rows) == count
    return rows

"""Charges as FOCUS 1.2, the open specification of what a bill says (focus.finops.org), in Parquet or CSV."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from queries.connect import quoted

HERE = Path(__file__).parent
WORDS = (HERE / "focus_words.sql").read_text(encoding="utf-8")
ROWS = (HERE / "focus.sql").read_text(encoding="utf-8")
COPY: Mapping[str, str] = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'",
}
"""Format -> how DuckDB writes it: row by row, whatever their number."""
FORMULA = "'^[=+@\\t\\r-]'"
"""First characters that a spreadsheet would run as a formula; an apostrophe makes them text."""


def write(connection: duckdb.DuckDBPyConnection, target: Path, form: str, per_run: bool = False) -> int:
    """Write `exported` (queries.export.window) to `target`, a row a run too if `per_run`. Gives the number of rows.

    Money and quantities are DECIMAL(38,12), times UTC. CSV marks what a spreadsheet would run; Parquet has all names as
    they are.
    """
    connection.execute(WORDS)
    run = "run_id" if per_run else "CAST(NULL AS VARCHAR)"
    charges = f"SELECT * REPLACE ({run} AS run_id) FROM exported"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW focus_charges AS {charges}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW focus AS {ROWS}")
    copied = f"COPY ({_harmless(connection) if form == 'csv' else 'FROM focus'}) TO {quoted(target)} ({COPY[form]})"
    return int(connection.execute(copied).fetchall()[0][0])


def _harmless(connection: duckdb.DuckDBPyConnection) -> str:
    columns = connection.execute("SELECT column_name, column_type FROM (DESCRIBE focus)").fetchall()
    marked = ", ".join(
        f"CASE WHEN REGEXP_MATCHES({name}, {FORMULA}) THEN '''' || {name} ELSE {name} END AS {name}"
        for name, kind in columns
        if kind == "VARCHAR"
    )
    return f"SELECT * REPLACE ({marked}) FROM focus"

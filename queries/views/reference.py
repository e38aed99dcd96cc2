"""docs/reference/sql.md, made from the headers of the views and the types they really have."""

import tempfile
from pathlib import Path

import duckdb

from ledger.paths import DataDir
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from queries.connect import connect
from queries.views import MACROS, VIEWS, documentation

INTRODUCTION = """# SQL reference

Written by `python -m queries.views.reference docs/reference/sql.md`; a test holds it to the live views.

The views below are stable: columns are only ever added. Every row has its `tenant`. Ids are lower-case hex. Times are
`TIMESTAMP` in UTC, cut to microseconds, with the exact nanoseconds beside them in a column that ends in `_ns`. Money is
`DECIMAL(38,12)` US dollars. Unknown is `NULL`, never 0.

The schema `base` holds what the views read; it may change with every version. Ids there are bytes: a filter such as
`trace_id = unhex('...')` on `base.spans` reads a few row groups, where one on hex text reads the column.
"""


def reference(connection: duckdb.DuckDBPyConnection) -> str:
    """The page, in Markdown."""
    views = [_section(name, _table(connection, name)) for name in VIEWS]
    macros = [_section(f"{name}({number})", "") for name, number in MACROS.items()]
    return "\n".join([INTRODUCTION, *views, *macros])


def _section(name: str, table: str) -> str:
    text = documentation(name.partition("(")[0])[0]
    return f"## {name}\n\n{text}\n{table}"


def _table(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    columns = documentation(name)[1]
    rows = connection.execute(f"DESCRIBE {name}").fetchall()
    lines = [f"| `{row[0]}` | {row[1]} | {columns[row[0]]} |" for row in rows]
    return "\n".join(["", "| column | type | meaning |", "|---|---|---|", *lines, ""])


def empty_ledger(root: Path) -> DataDir:
    """A ledger without rows: enough to see what the views look like."""
    data = DataDir(root)
    Catalog.open(data, clock=SystemClock()).close()
    return data


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as root, connect(empty_ledger(Path(root))) as connection:
        path.write_text(reference(connection), encoding="utf-8")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))

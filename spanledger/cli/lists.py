"""A list that a ledger keeps, as the view that it is: over the ledger's files, or with the rows that a server gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ledger.errors import LedgerError
from spanledger.cli.source import connect, fetch, one_source

if TYPE_CHECKING:
    import duckdb

PAGES_MAX = 100
"""Pages read of one list, of thousands of rows each: a server that always has a next one is broken."""


@contextmanager
def listed(data: Path | None, url: str | None, name: str) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection that has the view of the list `name` (queries.lists), and of a server no other rows."""
    one_source(data, url)
    if url is None:
        with connect(data) as connection:
            yield connection
        return
    from queries.connect import without_rows
    from queries.lists import LISTS

    view = LISTS[name].view
    with without_rows() as connection:
        kinds = connection.sql(f"FROM {view}").to_arrow_table().schema
        connection.register(view, typed(items(url, f"/api/v1/{name}"), kinds))
        yield connection


def items(url: str, path: str) -> list[dict[str, Any]]:
    """Items of all pages of a list."""
    found: list[dict[str, Any]] = []
    after: object = None
    for _ in range(PAGES_MAX):
        one = page(url, path, {"after": after})
        found += one["items"]
        after = one["next"]
        if after is None:
            return found
    raise LedgerError(f"{url}{path}: over {PAGES_MAX} pages; read the files with --data")


def page(url: str, path: str, parameters: Mapping[str, object]) -> dict[str, Any]:
    """One page of a list: an object with `items` and `next`. Raises LedgerError for what is none."""
    found = fetch(url, path, parameters)
    if not isinstance(found, dict) or not isinstance(found.get("items"), list) or "next" not in found:
        raise LedgerError(
            f"{url}{path}: the answer is no list; is this the API port of a server as new as this program?"
        )
    return found


def typed(rows: Sequence[Mapping[str, Any]], kinds: pa.Schema) -> pa.Table:
    """`rows` of an answer in the columns of `kinds`, as they were before they were JSON. Raises LedgerError."""
    try:
        read = [{field.name: _read(row.get(field.name), field.type) for field in kinds} for row in rows]
        return pa.Table.from_pylist(read, schema=kinds)
    except (AttributeError, TypeError, ValueError, InvalidOperation, pa.ArrowException) as error:
        raise LedgerError(
            f"the answer has rows of other kinds; is the server as new as this program? ({error})"
        ) from error


def _read(value: Any, kind: pa.DataType) -> object:
    if value is None:
        return None
    reader = next((read for is_one, read in READERS if is_one(kind)), None)
    return reader(value) if reader else value


READERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[str], object]], ...] = (
    (pa.types.is_decimal, Decimal),
    (pa.types.is_timestamp, datetime.fromisoformat),
    (pa.types.is_date, date.fromisoformat),
)
"""Kinds that are texts on the wire, each with what reads it."""

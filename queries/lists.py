"""Short lists of what people decided and published: rows of a view each, page by page, in an order that stays."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from ledger.errors import Refused
from queries.runs import Page, rows_of


@dataclass(frozen=True)
class Listed:
    """Rows of `view` for which `which` holds, as SQL; `order` tells every two of them apart."""

    view: str
    order: str
    said: str
    """What a row stands for."""
    which: str = "true"


LISTS: Mapping[str, Listed] = {
    "price-books": Listed("price_books", "event_seq", "Price books that were published, the first one first."),
    "price-overrides": Listed(
        "price_overrides",
        "event_seq, position",
        "Prices of your own that are in force, in the order in which they were set.",
        which="in_force",
    ),
    "cost-sources": Listed(
        "cost_sources",
        "NOT is_chosen, source = '*', source",
        "Sources of stated costs with the policy in force, those first that somebody chose.",
    ),
    "periods": Listed("periods", "event_seq", "Accounting months that are closed."),
}
"""Name, as in the address -> the list."""
LIMIT_MAX = 10_000
"""Most rows of a page."""
POSITION_DIGITS_MAX = 12


def page(
    connection: duckdb.DuckDBPyConnection, listed: Listed, limit: int = LIMIT_MAX, after: str | None = None
) -> Page:
    """Rows of `listed`. `after` is the `next` of the page before. Raises Refused for what is none."""
    first = _position(after)
    query = f"FROM {listed.view} WHERE {listed.which} ORDER BY {listed.order} LIMIT {int(limit) + 1} OFFSET {first}"
    rows = rows_of(connection.execute(query))
    return Page(rows[:limit], str(first + limit) if len(rows) > limit else None)


def _position(after: str | None) -> int:
    """How many rows come before."""
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= POSITION_DIGITS_MAX):
        raise Refused(f"cursor {after[:50]!r}: take it from `next` of the page before")
    return int(after)

"""The money of one call: every line with the price it was booked at, and what became of a cost that was reported."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow.compute as pc

from ledger.books.book import PriceBook
from ledger.books.cost_sources import in_force
from ledger.books.reported import METERING, POLICIES, UNLISTED, Preference
from ledger.books.units import REPORTED
from ledger.journal.read import JournalReader
from queries.runs import Row, rows_of
from queries.why.decided import Decided

STATUSES: Mapping[str, str] = {
    "priced": "every line has a cost",
    "unpriced": "a line has no price: the cost is not known, or not all of it",
    "ambiguous": "a line has several prices that differ: the cost is not known, or not all of it",
    "none": "no line was booked",
}
"""`cost_status` of a call."""

NO_LINES: Mapping[str, str] = {
    "failed": "nothing was booked: the call failed and states no usage",
    "not_applicable": "nothing was booked: a tool costs what its own fee is; none is set, and it reports none",
}
"""`usage_status` of a call without lines."""

PREFERRED: Mapping[Preference, str] = {
    Preference.ALWAYS: "the figure of whoever bills or meters the call: preferred to the computed cost",
    Preference.GREATER: "greater than the computed cost, or that is not known",
    Preference.WHERE_NO_PRICE: "an estimate by some other price list: used only where the price book has no price",
    Preference.NEVER: "no amount in USD: never used",
}
NOT_POSITIVE = "not above 0, which often means that the sender did not know: never used"
NOT_BILLING = "an estimate by a view that does not bill: not used"
NOT_GREATER = "not greater than the computed cost: not used"
ANOTHER = "stated by another view too, nearer to the provider: not used"
CHOSEN = """
SELECT source, policy, event_seq FROM base.cost_sources WHERE event_seq <= $seq
QUALIFY event_seq = MAX(event_seq) OVER (PARTITION BY source)
"""
"""Policies that somebody chose, as an event found them."""

PRICE_COLUMNS = (
    "provider",
    "model",
    "context",
    "valid_from_ns",
    "valid_to_ns",
    "tier_from",
    "tier_to",
    "tier_rule",
    "note",
)
BOOKS = """
SELECT source, source_version, event_seq AS published_by
FROM price_books WHERE price_book_id = $id ORDER BY event_seq LIMIT 1
"""


def money(connection: duckdb.DuckDBPyConnection, journal: JournalReader, known: Decided) -> dict[str, Any]:
    """Cost, lines and reported costs of the call of `known`."""
    call = known.call
    assert call is not None
    status = str(call["cost_status"])
    none = NO_LINES.get(str(call["usage_status"])) if status == "none" else None
    books = _books(connection, journal, known.lines)
    return {
        "cost_usd": call["cost_usd"],
        "cost_status": status,
        "explained": none or STATUSES[status],
        "priced_as_of_ns": call["started_ns"] or None,
        "lines": [{**line, "price": _price(books, line)} for line in known.lines],
        "reported": [
            _reported(view, known, connection) for view in known.views if view["reported_cost_usd"] is not None
        ],
    }


def _books(connection: duckdb.DuckDBPyConnection, journal: JournalReader, lines: Sequence[Row]) -> dict[str, Any]:
    """Price books that the lines were priced with, read from the events that published them."""
    books = {}
    for book_id in sorted({str(line["price_book_id"]) for line in lines if line["price_book_id"]}):
        for row in rows_of(connection.execute(BOOKS, {"id": book_id})):
            body = journal.get(int(str(row["published_by"]))).body
            books[book_id] = row, PriceBook.parse(body)
    return books


def _price(books: Mapping[str, Any], line: Row) -> dict[str, Any] | None:
    """The book of `line` and its row, None in whose columns there is none; None where no book is known."""
    if line["price_book_id"] not in books:
        return None
    published, book = books[str(line["price_book_id"])]
    found = book.rows.filter(pc.equal(book.rows["price_id"], line["price_id"])).to_pylist() if line["price_id"] else []
    columns: dict[str, Any] = {name: found[0][name] if found else None for name in PRICE_COLUMNS}
    return {**published, **columns}


def _reported(view: Row, known: Decided, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    source = str(view["reported_source"] or "")
    rows = connection.execute(CHOSEN, {"seq": _decided_at(view, known)}).fetchall()
    chosen = {name: (policy, event_seq) for name, policy, event_seq in rows if policy is not None}
    preference = in_force({name: policy for name, (policy, _) in chosen.items()}).get(source, UNLISTED)
    booked = view["view_id"] == _believed(known)
    return {
        "view_id": view["view_id"],
        "cost_usd": view["reported_cost_usd"],
        "source": view["reported_source"],
        "preference": preference.name.lower(),
        "policy": next(name for name, each in POLICIES.items() if each == preference),
        "chosen_by": chosen[source][1] if source in chosen else None,
        "booked": booked,
        "explained": PREFERRED[preference] if booked else _not_booked(view, preference, known),
    }


def _decided_at(view: Row, known: Decided) -> int:
    """The event that priced the view last, as far as it shows: an order that corrected the call, else its own."""
    orders = [int(str(line["event_seq"])) for line in known.lines if line["entry"] == "rerate"]
    return max([int(str(view["source_seq"])), *orders])


def _not_booked(view: Row, preference: Preference, known: Decided) -> str:
    if view["reported_cost_usd"] <= 0:  # type: ignore[operator] # a decimal
        return NOT_POSITIVE
    if preference == Preference.WHERE_NO_PRICE and not view["billed"]:
        return NOT_BILLING
    if preference == Preference.GREATER and _believed(known) is None:
        return NOT_GREATER
    return ANOTHER if preference in METERING else PREFERRED[preference]


def _believed(known: Decided) -> str | None:
    """The view whose reported cost is booked, if one is: the one that states the call's cost from the line's source;
    of several alike the one that bills."""
    call = known.call
    assert call is not None
    standing = sum(1 if line["entry"] != "reversal" else -1 for line in known.lines if line["unit"] == REPORTED)
    same = [
        view
        for view in sorted(known.views, key=lambda view: not view["billed"])
        if all(view[name] == call[name] for name in ("reported_cost_usd", "reported_source"))
    ]
    return str(same[0]["view_id"]) if standing > 0 and same else None

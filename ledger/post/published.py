"""The prices of a book as rows, so that `price_id` of a charge can be looked up where the charge is."""

import numpy as np
import pyarrow as pa

from ledger.books.book import PriceBook
from ledger.schema import ARROW

REPEATED = (
    "provider", "model", "price_id", "context", "unit", "price_usd", "per", "tier_from", "tier_to", "valid_from_ns",
    "valid_to_ns", "tod_from_s", "tod_to_s", "tier_rule", "note",
)  # fmt: skip
"""Columns that a published book has too (books.format)."""


def price_rows(book: PriceBook, event_seq: int) -> pa.Table:
    """schema.PRICES of `book`, which `event_seq` published."""
    rows, schema = book.rows, ARROW["prices"]
    of_models = zip(rows["provider"].to_pylist(), rows["model"].to_pylist(), strict=True)
    columns = {
        "price_book_id": pa.repeat(book.book_id, len(rows)),
        "clause": pa.array([book.clauses.get(model) for model in of_models], schema.field("clause").type),
        "event_seq": pa.array(np.full(len(rows), event_seq)),
        **{name: rows[name] for name in REPEATED},
    }
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)

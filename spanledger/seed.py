"""The price book that a new journal begins with, as bytes: the collector must not import what reads it."""

from importlib.resources import files

from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED

SEED_KEY = "price_book.seed"


def price_book_seed() -> Draft:
    """Event 1: the seed's rows, so that prices never depend on what is installed."""
    body = (files("ledger.books") / "seed.parquet").read_bytes()
    return Draft(kind=PRICE_BOOK_PUBLISHED, body=body, key=SEED_KEY, content_type="application/vnd.apache.parquet")

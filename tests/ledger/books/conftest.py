"""The seed book, read once."""

import pytest

from ledger.books.book import PriceBook, seed_body


@pytest.fixture(scope="session")
def seed() -> PriceBook:
    return PriceBook.parse(seed_body())

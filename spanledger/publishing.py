"""Events that change prices, as drafts: their keys say after which event they were decided."""

from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED

PARQUET = "application/vnd.apache.parquet"


def newest_body() -> bytes:
    """The book of the installed genai-prices, else the one that this program ships."""
    from ledger.books.book import seed_body
    from ledger.errors import NotFound
    from queries.prices.books import installed_body

    try:
        return installed_body()
    except NotFound:
        return seed_body()


def book_draft(book_id: str, body: bytes, before: int) -> Draft:
    """Publishes a book. `before`: the event that published the one in force; sent twice, it has effect once, and a book
    that was in force long ago may come back."""
    return Draft(
        kind=PRICE_BOOK_PUBLISHED,
        body=body,
        key=f"price_book:{book_id}:{before}",
        transport="control",
        content_type=PARQUET,
    )

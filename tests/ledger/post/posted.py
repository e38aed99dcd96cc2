"""A journal of plain drafts, posted and asked."""

from decimal import Decimal

from ledger.books.book import seed_body
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.seams import SystemClock, SystemRng
from tests.ledger.post.plain import decode, same_span
from tests.shown import shown

CALL_USD = Decimal("0.00021")
"""Of each call that `plain.call` says."""


def journal(data: DataDir, *drafts: Draft) -> None:
    seed = Draft(kind=PRICE_BOOK_PUBLISHED, key="price_book:seed", body=seed_body(), content_type="application/parquet")
    writer = JournalWriter.open(data, clock=SystemClock(), rng=SystemRng(), seed=[seed])
    for draft in drafts:
        writer.append(draft)
    writer.close()


def post(data: DataDir, **options: int) -> None:
    poster = Poster(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
    drain(poster)
    poster.close()


def drain(poster: Poster) -> None:
    while poster.step():
        pass


def ask(data: DataDir, query: str) -> list[tuple[object, ...]]:
    with shown(data) as connection:
        return connection.execute(query).fetchall()

"""A journal whose events are received when a test says, and the closing of months among them."""

from datetime import UTC, datetime

from ledger.books.book import seed_body
from ledger.books.periods import Closing, closing_body
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.kinds import PERIOD_CLOSED, PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.seams import SystemRng
from tests.golden.books import StillClock


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def close(month: str) -> Draft:
    return Draft(kind=PERIOD_CLOSED, body=closing_body(Closing(month, "done", "ann")), content_type="application/json")


def journal(data: DataDir, *drafts: tuple[str, Draft]) -> None:
    """Each draft with the moment at which it is received; `plain` spans are of 2026-09-21."""
    seed = Draft(kind=PRICE_BOOK_PUBLISHED, key="price_book:seed", body=seed_body(), content_type="application/parquet")
    clock = StillClock(ns("2026-09-01"))
    writer = JournalWriter.open(data, clock=clock, rng=SystemRng(), seed=[seed])
    for at, draft in drafts:
        clock.ns = ns(at)
        writer.append(draft)
    writer.close()

"""Every price of the books that were published, to be joined with the charges that were booked at it."""

from ledger.books.book import PriceBook, seed_body
from ledger.books.format import SCHEMA
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.post.poster import PosterOptions
from ledger.post.published import REPEATED
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import call, decode, request, same_span
from tests.ledger.post.posted import ask, journal, post
from tests.ledger.post.test_rerating import BOOK

SEED_AGAIN = Draft(kind=PRICE_BOOK_PUBLISHED, body=seed_body(), key="price_book:seed:2")
JOINED = """
SELECT c.unit, p.provider, p.model, p.price_usd = c.unit_price_usd AND p.per = c.per, p.is_current
FROM charges AS c JOIN prices AS p USING (price_book_id, price_id) ORDER BY c.event_seq, c.unit
"""


def test_every_price_of_a_book_is_a_row_and_says_what_the_book_says(data: DataDir) -> None:
    journal(data)
    post(data)
    book = PriceBook.parse(seed_body())
    assert ask(data, "SELECT count(*), count(DISTINCT price_id), count(clause) FROM prices") == [(len(book.rows),) * 3]
    columns = ", ".join(REPEATED)
    found = ask(data, f"SELECT {columns} FROM prices ORDER BY price_id")
    said = book.rows.select(REPEATED).sort_by("price_id").to_pylist()
    assert found == [tuple(row.values()) for row in said]
    left_out = {"record", "clause"}
    assert set(REPEATED) == set(SCHEMA.names) - left_out
    assert ask(data, "SELECT DISTINCT clause FROM prices WHERE model = 'gpt-4o-mini' AND provider = 'openai'") == [
        (book.clauses["openai", "gpt-4o-mini"],)
    ]


def test_a_charge_leads_to_the_price_that_it_was_booked_at_whatever_book_came_later(data: DataDir) -> None:
    journal(data, request(call(1, 1)), BOOK, request(call(2, 1)))
    post(data)
    assert ask(data, JOINED) == [
        ("fresh_input_tokens", "openai", "gpt-4o-mini", True, False),
        ("output_tokens", "openai", "gpt-4o-mini", True, False),
        ("fresh_input_tokens", "openai", "gpt-4o-mini", True, True),
        ("output_tokens", "openai", "gpt-4o-mini", True, True),
    ]


def test_a_book_that_comes_back_is_listed_once_and_is_the_current_one(data: DataDir) -> None:
    journal(data, BOOK, SEED_AGAIN)
    post(data)
    assert ask(data, "SELECT count(*) FROM price_books") == [(3,)]
    books = "SELECT event_seq, is_current, count(*) > 20, count(DISTINCT price_id) = count(*) FROM prices GROUP BY ALL"
    assert ask(data, f"{books} ORDER BY 1") == [(1, True, True, True), (2, False, True, True)]
    expected = digests(data)
    for options in ({"batch_events_max": 1}, {}):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected


def test_a_book_that_is_refused_has_no_rows(data: DataDir) -> None:
    journal(data, Draft(kind=PRICE_BOOK_PUBLISHED, body=b"no book", key="price_book:none:1"))
    post(data)
    assert ask(data, "SELECT count(*) FROM quarantine") == [(1,)]
    assert ask(data, "SELECT count(DISTINCT price_book_id) FROM prices") == [(1,)]

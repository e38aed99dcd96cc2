"""Price books and lists of what was decided, by the HTTP API."""

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256

import pytest

from ledger.books.book import PriceBook, seed_body
from ledger.books.cost_sources import Choice, choice_body
from ledger.books.format import encode
from ledger.books.periods import Closing, closing_body
from ledger.books.rule_events import Removal, removal_body, rule_of, set_body
from ledger.errors import Refused
from queries.prices.books import Shelf
from spanledger.appending import door
from spanledger.config import load
from spanledger.publishing import book_draft, choice_draft, closing_draft, override_draft, removal_draft
from tests.ledger.books.made import offer, provider_record
from tests.queries.asking import Ask, asker

SAID = {"reason": "contract", "author": "jane"}
RULES = (
    {"id": "half", "provider": "acme", "multiply": "0.5", "valid_from_ns": 1_796_083_200 * 10**9, **SAID},
    {"id": "book", "tool": "book_*", "unit": "tool_calls", "price_usd": "0.02", "per": 1, **SAID},
    {"id": "gone", "provider": "acme", "multiply": "0.1", **SAID},
)
ADDRESSES = ("price-books", "price-overrides", "cost-sources", "periods", "price-books/current")
RECORDS = (
    provider_record("acme", {"equals": "acme"}, {"starts_with": "road"}),
    *offer("acme", "roadrunner", {"equals": "roadrunner"}, fresh_input_tokens="2", output_tokens="8"),
)
BODY = encode(RECORDS, "test", "1")
BOOK_ID = sha256(BODY).hexdigest()


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """The application over a ledger with a second price book, rules, a policy and closed months."""
    settings = load(data=tmp_path_factory.mktemp("decided"), environ={})
    drafts = [
        book_draft(BOOK_ID, BODY, 1),
        override_draft(set_body(map(rule_of, RULES))),
        removal_draft(removal_body(Removal(("gone",), "a mistake", "jane"))),
        choice_draft(choice_body(Choice("cost_usd", "max", "audit", "jane"))),
        *(closing_draft(closing_body(Closing(month, "books closed", "ann"))) for month in ("2020-01", "2020-02")),
    ]
    with door(settings) as ledger:
        last = [ledger.append(draft) for draft in drafts][-1]
        ledger.settle(last, lambda cursor: None)
    with asker(settings.data) as ask:
        yield ask


def items(ask: Ask, address: str) -> list[dict[str, object]]:
    answer = json.loads(ask(f"/api/v1/{address}").body)
    assert set(answer) == {"items", "next"}
    return list(answer["items"])


def test_overrides_are_those_in_force_with_money_as_text(decided: Ask) -> None:
    columns = ("override_id", "multiply", "price_usd", "valid_from", "in_force", "tenant")
    assert [tuple(item[name] for name in columns) for item in items(decided, "price-overrides")] == [
        ("half", "0.5", None, "2026-12-01T00:00:00Z", True, None),
        ("book", None, "0.02", None, True, None),
    ]


def test_published_books_months_and_policies_are_listed(decided: Ask) -> None:
    books = items(decided, "price-books")
    assert [(book["price_book_id"], book["rows"]) for book in books] == [
        (sha256(seed_body()).hexdigest(), len(PriceBook.parse(seed_body()).rows)),
        (BOOK_ID, 2),
    ]
    assert [(item["month"], item["author"]) for item in items(decided, "periods")] == [
        ("2020-01", "ann"),
        ("2020-02", "ann"),
    ]
    first, *others = items(decided, "cost-sources")
    assert (first["source"], first["policy"], first["default_policy"]) == ("cost_usd", "max", "reported")
    assert not any(item["is_chosen"] for item in others)
    assert others[-1]["source"] == "*"


@pytest.mark.parametrize("address", ["price-books", "price-overrides", "cost-sources", "periods"])
def test_a_list_follows_its_own_cursor_to_the_end(decided: Ask, address: str) -> None:
    seen, after = [], ""
    while after is not None:
        page = json.loads(decided(f"/api/v1/{address}?limit=1&after={after}").body)
        assert len(page["items"]) == 1
        seen += page["items"]
        after = page["next"]
    assert seen == items(decided, address)
    assert len(seen) > 1


@pytest.mark.parametrize("name", ["current", BOOK_ID, BOOK_ID[:6], BOOK_ID[:20].upper()])
def test_a_book_comes_as_it_was_published(decided: Ask, name: str) -> None:
    answer = decided(f"/api/v1/price-books/{name}", accept_encoding="")
    assert (answer.status, answer.body) == (200, BODY)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["etag"] == f'W/"{BOOK_ID}"'
    assert answer.headers["content-disposition"] == f'attachment; filename="{BOOK_ID[:12]}.parquet"'
    assert decided("/api/v1/price-books/seed").body == seed_body()


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (f'W/"{BOOK_ID}"', 304),
        (f'"{BOOK_ID}"', 304),
        (f'W/"{"0" * 64}", W/"{BOOK_ID}"', 304),
        ("*", 304),
        (f'W/"{"0" * 64}"', 200),
        ("", 200),
    ],
)
def test_a_book_that_the_asker_has_is_not_sent_again(decided: Ask, known: str, status: int) -> None:
    answer = decided("/api/v1/price-books/current", if_none_match=known)
    assert (answer.status, answer.body) == (status, BODY if status == 200 else b"")
    assert answer.headers["etag"] == f'W/"{BOOK_ID}"'
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("curent", "near are current"),
        (BOOK_ID[:7] + "x", f"near are {BOOK_ID[:8]}"),
        (BOOK_ID[:5], f"near are {BOOK_ID[:6]}"),
        ("zzzzzzzz", f"published last, {sha256(seed_body()).hexdigest()[:12]}, {BOOK_ID[:12]}"),
        ("installed", "known are `current`, `seed`"),
    ],
)
def test_a_book_that_is_not_there_is_a_404_with_the_names_there_are(decided: Ask, name: str, told: str) -> None:
    answer = decided(f"/api/v1/price-books/{name}")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert told in json.loads(answer.body)["detail"]


def test_a_beginning_of_several_ids_is_refused_with_them() -> None:
    shelf = Shelf(None, None)
    shelf.published = [{"price_book_id": f"abcdef{n}" + "0" * 57, "event_seq": n} for n in range(2)]
    with pytest.raises(Refused, match="several begin so: abcdef000000, abcdef100000"):
        shelf.published_body("ABCDEF")


def test_a_ledger_into_which_nothing_came_has_the_book_it_began_with(ask_nothing: Ask) -> None:
    assert ask_nothing("/api/v1/price-books/current").body == seed_body()
    assert len(items(ask_nothing, "price-books")) == 1
    assert items(ask_nothing, "price-overrides") == items(ask_nothing, "periods") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "after=x", "after=-1", "after=1.5", "after=" + "9" * 13])
@pytest.mark.parametrize("address", ["price-books", "periods"])
def test_a_page_that_cannot_be_is_refused(decided: Ask, address: str, query: str) -> None:
    answer = decided(f"/api/v1/{address}?{query}")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_turned_away(decided: Ask, address: str) -> None:
    assert decided(f"/api/v1/{address}", host="evil.example").status == 421
    assert decided(f"/api/v1/{address}", origin="https://evil.example").status == 403
    assert decided(f"/api/v1/{address}", method="POST").status == 405


def test_no_price_is_a_binary_fraction(decided: Ask) -> None:
    money = [item[name] for item in items(decided, "price-overrides") for name in ("multiply", "price_usd")]
    assert {type(value) for value in money} == {str, type(None)}
    assert sum(Decimal(str(value)) for value in money if value) == Decimal("0.52")

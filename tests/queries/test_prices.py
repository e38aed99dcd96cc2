"""Price books as a person reads them, on a book small enough to know by heart and on the shipped one."""

from decimal import Decimal
from pathlib import Path

import pytest

from ledger.books.book import PriceBook, seed_body
from ledger.errors import NotFound, Refused
from queries.prices.books import Shelf
from queries.prices.compare import difference, oddities
from queries.prices.rows import holds, listing, shown
from tests.ledger.books.made import NOVEMBER_2026_NS, make_book, offer, price_record, provider_record

DAY_NS = 86_400 * 10**9
TURN_NS = 1_790_000_000 * 10**9
ACME = [
    provider_record("acme", {"equals": "acme"}, {"starts_with": "road"}),
    *offer("acme", "roadrunner", {"equals": "roadrunner"}, fresh_input_tokens="2", output_tokens="8"),
    price_record("acme", "roadrunner", "fresh_input_tokens", "1", context="processing=batch"),
]


@pytest.fixture(scope="module")
def seed() -> PriceBook:
    return PriceBook.parse(seed_body())


def test_the_list_has_a_row_a_model_with_prices_of_a_million_tokens() -> None:
    (row,) = listing(make_book(*ACME), NOVEMBER_2026_NS).to_pylist()
    assert row == {
        "provider": "acme",
        "model": "roadrunner",
        "input_mtok_usd": Decimal("2.000000000000"),
        "cache_read_mtok_usd": None,
        "cache_write_mtok_usd": None,
        "output_mtok_usd": Decimal("8.000000000000"),
        "tiered": False,
        "contexts": "processing=batch",
    }


def test_the_list_shows_prices_as_they_were_at_a_moment(seed: PriceBook) -> None:
    def o3(at_ns: int) -> object:
        return listing(seed, at_ns, "o3", "openai").to_pylist()[0]["input_mtok_usd"]

    june_10_2025_ns = 1_749_513_600 * 10**9
    assert (o3(june_10_2025_ns - 1), o3(june_10_2025_ns)) == (Decimal(10), Decimal(2))


@pytest.mark.parametrize(
    ("pattern", "found"), [("ROAD", 1), ("*runner", 1), ("road*", 1), ("road*x", None), ("tortoise", None)]
)
def test_a_pattern_is_a_part_of_the_name_or_with_a_star_the_whole(pattern: str, found: int | None) -> None:
    if found is None:
        with pytest.raises(NotFound, match="no model like"):
            listing(make_book(*ACME), NOVEMBER_2026_NS, pattern)
    else:
        assert listing(make_book(*ACME), NOVEMBER_2026_NS, pattern).num_rows == found


def test_every_price_of_the_seed_is_in_force_at_its_first_instant_and_not_at_its_end(seed: PriceBook) -> None:
    for price in seed.rows.to_pylist():
        if price["valid_from_ns"] is not None:
            assert holds(price, price["valid_from_ns"] + price["tod_from_s"] * 10**9)
        if price["valid_to_ns"] is not None:
            assert not holds(price, price["valid_to_ns"])


def test_a_model_is_found_by_the_name_that_a_call_would_give(seed: PriceBook) -> None:
    for name, provider in (("claude-sonnet-4-5-20250929", None), ("anthropic/claude-sonnet-4-5", None)):
        rows, _ = shown(seed, name, NOVEMBER_2026_NS, provider)
        assert {(row["provider"], row["model"]) for row in rows.to_pylist()} == {("anthropic", "claude-sonnet-4-5")}
    rows, remark = shown(seed, "phi-4", NOVEMBER_2026_NS, "azure.ai.openai")
    assert {row["provider"] for row in rows.to_pylist()} == {"azure"}
    assert remark == ""


def test_an_unknown_model_is_answered_with_the_nearest_names(seed: PriceBook) -> None:
    with pytest.raises(NotFound, match="knows no such model; the nearest names are gpt-4o"):
        shown(seed, "gtp-4o", NOVEMBER_2026_NS)
    with pytest.raises(NotFound, match="no provider 'antropic'; the nearest names are anthropic"):
        shown(seed, "claude-sonnet-4-5", NOVEMBER_2026_NS, "antropic")


def test_a_model_that_several_sell_at_different_prices_asks_for_the_provider() -> None:
    book = make_book(
        provider_record("one", {"equals": "one"}),
        *offer("one", "shared", {"equals": "shared"}, output_tokens="1"),
        provider_record("two", {"equals": "two"}),
        *offer("two", "shared", {"equals": "shared"}, output_tokens="2"),
    )
    with pytest.raises(Refused, match="give --provider, one of one, two"):
        shown(book, "shared", NOVEMBER_2026_NS)


def test_a_history_shows_what_is_no_longer_in_force(seed: PriceBook) -> None:
    inputs = [row for row in shown(seed, "o3", None)[0].to_pylist() if row["unit"] == "fresh_input_tokens"]
    assert [(row["price_usd"], row["context"]) for row in inputs][:2] == [(Decimal(10), ""), (Decimal(2), "")]


def test_two_books_differ_by_what_was_added_removed_and_changed() -> None:
    new = make_book(
        provider_record("acme", {"equals": "acme"}),
        *offer("acme", "roadrunner", {"equals": "roadrunner"}, fresh_input_tokens="3", output_tokens="8"),
        *offer("acme", "coyote", {"equals": "coyote"}, output_tokens="1"),
    )
    rows = difference(make_book(*ACME), new).to_pylist()
    assert [
        (row["change"], row["model"], row["unit"], row["context"], row["before_usd"], row["after_usd"]) for row in rows
    ] == [
        ("added", "coyote", "output_tokens", "", None, Decimal(1)),
        ("changed", "roadrunner", "fresh_input_tokens", "", Decimal(2), Decimal(3)),
        ("removed", "roadrunner", "fresh_input_tokens", "processing=batch", Decimal(1), None),
    ]


def test_a_book_does_not_differ_from_itself(seed: PriceBook) -> None:
    assert difference(seed, seed).num_rows == 0


def test_odd_rows_are_rounded_idle_or_unlikely(seed: PriceBook) -> None:
    book = make_book(
        provider_record("acme"),
        *offer("acme", "dear", {"equals": "dear"}, fresh_input_tokens="1001", cache_read_tokens="1001.5"),
        price_record("acme", "dear", "pixels", "1"),
        price_record("acme", "dear", "output_tokens", "1", context="search_type=fast"),
        price_record("acme", "dear", "web_searches", "1", note="rounded from 1.0000000000001"),
    )
    assert [(row["price_id"].split("[")[0], row["odd"]) for row in oddities(book).to_pylist()] == [
        ("acme/dear/fresh_input_tokens", "dearer than $1,000 a million tokens"),
        ("acme/dear/cache_read_tokens", "dearer than $1,000 a million tokens"),
        ("acme/dear/cache_read_tokens", "a token from the cache costs more than a fresh one"),
        ("acme/dear/pixels", "nothing is charged by this unit yet"),
        ("acme/dear/output_tokens", "no service tier names this context"),
        ("acme/dear/web_searches", "rounded from 1.0000000000001"),
    ]
    assert sum(row["odd"].startswith("rounded from") for row in oddities(seed).to_pylist()) == 28


def test_a_book_is_found_by_a_word_a_file_or_not_at_all(tmp_path: Path) -> None:
    shelf, file = Shelf(None, None), tmp_path / "book.parquet"
    file.write_bytes(seed_body())
    ids = {shelf.named(name).book_id for name in ("seed", "current", str(file))}
    assert len(ids) == 1
    with pytest.raises(NotFound, match=r"none is published by this name .* nor is it a file"):
        shelf.named("abcdef")
    file.write_bytes(b"no book")
    with pytest.raises(Refused, match="not a Parquet file"):
        shelf.named(str(file))

"""Prices that go by size, from their events to the books: lines a part, taken back and corrected part by part."""

from decimal import Decimal
from typing import Any

from ledger.books.book import PriceBook, seed_body
from ledger.books.format import encode
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from queries.connect import connect
from queries.prices.rerate import difference
from tests.ledger.books.made import offer, price_record, provider_record
from tests.ledger.post.plain import agent, call, decode, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_overrides import set_rules
from tests.ledger.post.test_rerating import EVER, order

TOKENS_OUT_USD = Decimal("0.00006")
"""Of one call: 100 tokens out at 0.60 a million. 1,000 go in."""
STEPPED_USD = Decimal("0.0016") + TOKENS_OUT_USD
"""600 tokens in at 2 a million, 400 at 1."""


def in_steps(name: str, tier_rule: str, at: int) -> dict[str, Any]:
    """A rule for tokens in: 2 a million, and 1 from `at` on."""
    tiers = [{"from": 0, "price_usd": "2"}, {"from": at, "price_usd": "1"}]
    unit = {"unit": "fresh_input_tokens", "per": 1_000_000}
    return {"id": name, "provider": "openai", "tiers": tiers, "tier_rule": tier_rule, **unit}


ORDER = "ORDER BY unit, quantity * sign(quantity) DESC"
# unit_price_usd is the list price also where another holds
LINES = "SELECT unit, quantity, unit_price_usd, cost_usd, override_id FROM charges WHERE entry = '{}' " + ORDER


def test_each_part_is_a_line_and_the_call_costs_their_sum(data: DataDir) -> None:
    journal(data, set_rules(in_steps("steps", "graduated", 600)), request(call(1, 1)))
    post(data)
    assert ask(data, LINES.format("booked")) == [
        ("fresh_input_tokens", 600, Decimal("0.15"), Decimal("0.0012"), "steps"),
        ("fresh_input_tokens", 400, Decimal("0.15"), Decimal("0.0004"), "steps"),
        ("output_tokens", 100, Decimal("0.6"), TOKENS_OUT_USD, None),
    ]
    assert ask(data, "SELECT sum(list_cost_usd), count(DISTINCT charge_id) FROM charges") == [(CALL_USD, 3)]
    for view in ("calls", "runs", "cost_by_agent", "cost_by_model"):
        assert ask(data, f"SELECT sum(cost_usd) FROM {view}") == [(STEPPED_USD,)]
    columns = "price_usd, per, tier_rule, tiers"
    assert ask(data, f"SELECT {columns} FROM price_overrides") == [
        (None, 1_000_000, "graduated", '[{"from":0,"price_usd":"2"},{"from":600,"price_usd":"1"}]')
    ]


def test_the_whole_of_a_request_costs_what_its_size_reaches(data: DataDir) -> None:
    journal(
        data,
        set_rules(in_steps("steps", "whole", 1_000)),
        request(call(1, 1, input_tokens=999), call(2, 1, input_tokens=1_000)),
    )
    post(data)
    assert ask(data, "SELECT cost_usd FROM calls ORDER BY trace_id") == [
        (Decimal("0.001998") + TOKENS_OUT_USD,),
        (Decimal("0.001") + TOKENS_OUT_USD,),
    ]


def test_parts_are_taken_back_one_by_one_where_a_call_finds_its_agent_late(data: DataDir) -> None:
    journal(
        data,
        set_rules(in_steps("steps", "graduated", 600)),
        request(call(1, 2, parent=5)),
        request(agent(1, 5, name="late")),
    )
    post(data, batch_events_max=1)
    reversals = ask(data, LINES.format("reversal"))
    assert [(unit, quantity, usd) for unit, quantity, _, usd, _ in reversals] == [
        ("fresh_input_tokens", -600, Decimal("-0.0012")),
        ("fresh_input_tokens", -400, Decimal("-0.0004")),
        ("output_tokens", -100, -TOKENS_OUT_USD),
    ]
    assert ask(data, "SELECT agent_name, cost_usd FROM cost_by_agent WHERE cost_usd <> 0") == [("late", STEPPED_USD)]
    expected = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions())
    assert digests(data) == expected


def test_a_re_rating_goes_by_tiers_in_force_and_the_dry_run_says_so_before(data: DataDir) -> None:
    journal(data, request(call(1, 1)), set_rules(in_steps("steps", "graduated", 600)))
    post(data)
    with connect(data) as connection:
        found = difference(connection, EVER, PriceBook.parse(seed_body()))
    assert (found.calls, found.changed, found.usd) == (1, 1, STEPPED_USD - CALL_USD)
    journal(data, order(1))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(STEPPED_USD,)]
    assert ask(data, LINES.format("rerate"))[:2] == [
        ("fresh_input_tokens", 600, Decimal("0.15"), Decimal("0.0012"), "steps"),
        ("fresh_input_tokens", 400, Decimal("0.15"), Decimal("0.0004"), "steps"),
    ]


def test_a_published_book_may_have_graduated_prices_which_its_rows_tell(data: DataDir) -> None:
    cheap = {"tier_rule": "graduated", "tier_from": 250}
    body = encode(
        [
            provider_record("openai", {"equals": "openai"}),
            offer("openai", "gpt-4o-mini", {"equals": "gpt-4o-mini"})[0],
            price_record("openai", "gpt-4o-mini", "fresh_input_tokens", "4", tier_rule="graduated", tier_to=250),
            price_record("openai", "gpt-4o-mini", "fresh_input_tokens", "1", **cheap),
            price_record("openai", "gpt-4o-mini", "output_tokens", "10"),
        ],
        "mine",
        "1",
    )
    journal(data, Draft(kind=PRICE_BOOK_PUBLISHED, body=body, key="price_book:mine"), request(call(1, 1)))
    post(data)
    joined = "SELECT c.quantity, p.tier_from, p.tier_to, p.tier_rule, c.cost_usd FROM charges AS c JOIN prices AS p"
    assert ask(data, f"{joined} USING (price_book_id, price_id) ORDER BY c.unit, p.tier_from") == [
        (250, 0, 250, "graduated", Decimal("0.001")),
        (750, 250, None, "graduated", Decimal("0.00075")),
        (100, 0, None, "whole", Decimal("0.001")),
    ]

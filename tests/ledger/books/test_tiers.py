"""Prices that go by size: one for the whole of a request, or to each part of a quantity its own."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.book import PriceBook
from ledger.books.charge import price
from ledger.books.override import NONE, Overrides, Rule
from ledger.books.rule_events import read_set, rule_of, set_body
from ledger.errors import Refused
from ledger.money import round_half_even
from tests.ledger.books.made import Line, make_book, offer, price_record, provider_record, total, view, views

P = provider_record("p")
M = offer("p", "m", {"equals": "m"})[0]
CHAT = {"provider": "p", "request_model": "m"}


def tier(start: int, end: int | None, usd: str, unit: str = "fresh_input_tokens", **changes: Any) -> dict[str, Any]:
    return price_record("p", "m", unit, usd, tier_from=start, tier_to=end, tier_rule="graduated", **changes)


GRADUATED = make_book(
    P,
    M,
    tier(0, 1_000, "10"),
    tier(1_000, 5_000, "4"),
    tier(5_000, None, "1"),
    price_record("p", "m", "output_tokens", "2"),
)
"""The first 1,000 tokens in cost 10 a million, the next 4,000 cost 4, all further 1; tokens out cost 2."""


def rule(override_id: str = "r", **said: Any) -> Rule:
    return rule_of({"id": override_id, "reason": "agreed", "author": "jane", **said})


def tiers(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"from": start, "price_usd": usd} for start, usd in pairs]


def lines(book: PriceBook, *rules: Rule, **given: Any) -> list[Line]:
    found: list[Line] = price(views(view(**given)), book, overrides=Overrides(rules)).to_pylist()
    return found


def booked(found: list[Line]) -> list[tuple[str, int, Decimal | None, Decimal | None]]:
    return [(line["unit"], int(line["quantity"]), line["unit_price_usd"], line["cost_usd"]) for line in found]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (0, []),
        (1_000, [(1_000, "10", "0.01")]),
        (1_001, [(1_000, "10", "0.01"), (1, "4", "0.000004")]),
        (5_000, [(1_000, "10", "0.01"), (4_000, "4", "0.016")]),
        (7_500, [(1_000, "10", "0.01"), (4_000, "4", "0.016"), (2_500, "1", "0.0025")]),
    ],
)
def test_each_part_of_a_quantity_is_a_line_at_its_own_price(tokens: int, expected: list[tuple[int, str, str]]) -> None:
    found = lines(GRADUATED, **CHAT, input_tokens=tokens, output_tokens=500)
    wanted = [("fresh_input_tokens", n, Decimal(usd), Decimal(cost)) for n, usd, cost in expected]
    assert booked(found) == [*wanted, ("output_tokens", 500, Decimal(2), Decimal("0.001"))]
    assert {line["status"] for line in found} == {"priced"}
    assert len({line["price_id"] for line in found}) == len(found)
    assert {line["reason"] for line in found} == {None}


def test_nothing_to_price_has_no_parts() -> None:
    assert lines(GRADUATED, **CHAT, usage_status="failed") == []


def test_graduated_prices_go_by_the_unit_and_not_by_the_request() -> None:
    found = lines(GRADUATED, **CHAT, input_tokens=6_000, cache_read_tokens=5_500, output_tokens=0)
    assert booked(found) == [
        ("fresh_input_tokens", 500, Decimal(10), Decimal("0.005")),
        ("cache_read_tokens", 1_000, Decimal(10), Decimal("0.01")),
        ("cache_read_tokens", 4_000, Decimal(4), Decimal("0.016")),
        ("cache_read_tokens", 500, Decimal(1), Decimal("0.0005")),
    ]


def test_a_discount_holds_for_every_part() -> None:
    found = lines(GRADUATED, rule(provider="p", multiply="0.5"), **CHAT, input_tokens=1_500, output_tokens=0)
    assert [(line["list_cost_usd"], line["cost_usd"]) for line in found] == [
        (Decimal("0.01"), Decimal("0.005")),
        (Decimal("0.002"), Decimal("0.001")),
    ]


def test_a_fixed_price_leaves_the_graduated_list_price_beside_it() -> None:
    mine = rule(provider="p", unit="fresh_input_tokens", price_usd="3", per=1_000_000)
    found = lines(GRADUATED, mine, **CHAT, input_tokens=1_500, output_tokens=0)[:2]
    assert [(int(each["quantity"]), each["list_cost_usd"], each["cost_usd"]) for each in found] == [
        (1_000, Decimal("0.01"), Decimal("0.003")),
        (500, Decimal("0.002"), Decimal("0.0015")),
    ]


def test_graduated_prices_of_ones_own_and_of_the_book_part_a_line_together() -> None:
    own = tiers((0, "8"), (2_000, "2"))
    mine = rule(unit="fresh_input_tokens", tiers=own, tier_rule="graduated", per=1_000_000)
    found = lines(GRADUATED, mine, **CHAT, input_tokens=6_000, output_tokens=0)[:4]
    assert [(int(each["quantity"]), each["list_cost_usd"], each["cost_usd"]) for each in found] == [
        (1_000, Decimal("0.01"), Decimal("0.008")),
        (1_000, Decimal("0.004"), Decimal("0.008")),
        (3_000, Decimal("0.012"), Decimal("0.006")),
        (1_000, Decimal("0.001"), Decimal("0.002")),
    ]
    assert [each["reason"] for each in found] == [
        "override r: 8 USD for 1000000 of the part from 0 to below 2000",
        "override r: 8 USD for 1000000 of the part from 0 to below 2000",
        "override r: 2 USD for 1000000 of the part from 2000",
        "override r: 2 USD for 1000000 of the part from 2000",
    ]
    assert {each["override_id"] for each in found} == {"r"}


def test_own_tiers_price_what_the_book_does_not_know(seed: PriceBook) -> None:
    mine = rule(model="mine", unit="requests", tiers=tiers((0, "0.5"), (1, "0.1")), tier_rule="graduated", per=1)
    given_model = {"provider": "acme", "request_model": "mine", "input_tokens": 10, "output_tokens": 1}
    fee = [line for line in lines(seed, mine, **given_model) if line["unit"] == "requests"]
    assert [(line["unit_price_usd"], line["list_cost_usd"], line["cost_usd"], line["price_id"]) for line in fee] == [
        (Decimal("0.5"), Decimal("0.5"), Decimal("0.5"), None)
    ]


@pytest.mark.parametrize(
    ("tokens", "usd"), [(1_000, "0.0015"), (200_000, "0.3"), (200_001, "0.600003"), (None, "0.000001")]
)
def test_own_tiers_of_the_whole_go_by_the_tokens_in_of_the_request(
    seed: PriceBook, tokens: int | None, usd: str
) -> None:
    """1.50 a million, or 3 where more than 200,000 tokens go in; tokens out likewise 1 and 5."""
    rules = [
        rule(unit, model="gpt-4o", unit=unit, tiers=tiers((0, low), (200_001, high)), tier_rule="whole", per=1_000_000)
        for unit, low, high in (("fresh_input_tokens", "1.50", "3"), ("output_tokens", "1", "5"))
    ]
    given_model = {"provider": "openai", "request_model": "gpt-4o", "input_tokens": tokens}
    found = lines(seed, *rules, **given_model, output_tokens=1 if tokens is None else 0)
    assert total(found) == Decimal(usd)
    unknown_size = "tokens in not reported: price of the smallest requests"
    assert any(unknown_size in (line["reason"] or "") for line in found) == (tokens is None)


def test_seconds_of_a_tool_are_parted_at_whole_seconds(seed: PriceBook) -> None:
    own = tiers((0, "0.001"), (60, "0.0001"))
    mine = rule(tool="browse", unit="tool_seconds", tiers=own, tier_rule="graduated", per=1)
    ran = {"operation": "tool", "tool_name": "browse", "duration_ns": 90_500_000_000, "usage_status": None}
    assert [(str(line["quantity"]), line["cost_usd"]) for line in lines(seed, mine, **ran)] == [
        ("60.000000000", Decimal("0.06")),
        ("30.500000000", Decimal("0.00305")),
    ]


def test_a_tier_that_begins_after_any_tool_has_ended_is_never_reached(seed: PriceBook) -> None:
    """10^14 seconds are more nanoseconds than 64 bits hold."""
    own = tiers((0, "0.001"), (10**14 - 1, "1"))
    mine = rule(tool="browse", unit="tool_seconds", tiers=own, tier_rule="graduated", per=1)
    ran = {"operation": "tool", "tool_name": "browse", "duration_ns": 2_000_000_000, "usage_status": None}
    assert [line["cost_usd"] for line in lines(seed, mine, **ran)] == [Decimal("0.002")]


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**15)), min_size=1, max_size=8),
    st.integers(0, 10**7),
    st.integers(0, 10**15),
)
def test_parts_sum_to_the_quantity_and_each_costs_its_tier(
    widths: list[tuple[int, int]], tokens: int, first_pico: int
) -> None:
    starts = [0]
    for width, _ in widths:
        starts.append(starts[-1] + width)
    picos = [first_pico, *(pico for _, pico in widths)]
    own = [{"from": at, "price_usd": f"{Decimal(pico).scaleb(-12):f}"} for at, pico in zip(starts, picos, strict=True)]
    mine = rule(model="m", unit="output_tokens", tiers=own, tier_rule="graduated", per=7)
    found = lines(GRADUATED, mine, **CHAT, input_tokens=1, output_tokens=tokens)[1:]
    ends = [*starts[1:], 10**18]
    parts = [max(0, min(tokens, end) - start) for start, end in zip(starts, ends, strict=True)]
    wanted = [(n, round_half_even(n * pico, 7)) for n, pico in zip(parts, picos, strict=True) if n]
    assert [(int(each["quantity"]), int(each["cost_usd"].scaleb(12))) for each in found] == wanted
    assert sum(n for n, _ in wanted) == tokens
    exact = sum(Fraction(n * pico, 7) for n, pico in zip(parts, picos, strict=True))
    assert abs(sum(cost for _, cost in wanted) - exact) <= Fraction(len(wanted), 2)


def test_a_rule_with_tiers_is_read_from_its_event_as_it_was_set() -> None:
    mine = rule(unit="output_tokens", tiers=tiers((0, "8"), (2_000, "2.5")), tier_rule="graduated", per=1_000)
    assert read_set(set_body([mine])) == (mine,)
    assert json.loads(set_body([mine]))["rules"][0]["tiers"] == [
        {"from": 0, "price_usd": "8"},
        {"from": 2000, "price_usd": "2.5"},
    ]


GOOD = {"unit": "output_tokens", "tiers": tiers((0, "8"), (2_000, "2")), "tier_rule": "graduated", "per": 1}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tiers": []}, "tiers: a list of 2 to 32 expected"),
        ({"tiers": tiers((0, "1"))}, "one price alone is `price_usd`"),
        ({"tiers": tiers(*((n, "1") for n in range(33)))}, "tiers: a list of 2 to 32 expected"),
        ({"tiers": tiers((1, "1"), (2, "2"))}, "tiers begin at 1, 2: the first at 0, and rising, expected"),
        ({"tiers": tiers((0, "1"), (5, "2"), (5, "3"))}, "tiers begin at 0, 5, 5"),
        ({"tiers": [{"from": 0}, {"from": 1, "price_usd": "1"}]}, "tier 1: an object with `from` and `price_usd`"),
        ({"tiers": tiers((0, "1"), (5, "x"))}, "tier 2: price_usd 'x'"),
        ({"tiers": tiers((0, "1"), (5, "1000001"))}, "at most 10^6 USD a unit can be booked"),
        ({"tiers": [{"from": 0, "price_usd": "1"}, {"from": None, "price_usd": "1"}]}, "give `from` and `price_usd`"),
        ({"tier_rule": "slab"}, "tier_rule 'slab': whole or graduated expected"),
        ({"tier_rule": None}, "give `tiers` and `tier_rule` (whole or graduated) together"),
        ({"price_usd": "1"}, "give one of `multiply`, `price_usd` and `tiers`"),
        ({"multiply": "1"}, "give one of `multiply`, `price_usd` and `tiers`"),
        ({"per": None}, "give `per` with `price_usd` or `tiers`"),
        ({"unit": None, "model": "m"}, "a price is of one unit"),
        ({"unit": "tool_calls", "tool": "t", "tier_rule": "whole"}, "and a tool has none"),
    ],
)
def test_tiers_that_say_less_or_more_are_refused_with_the_place(change: dict[str, Any], told: str) -> None:
    said = {name: value for name, value in (GOOD | change).items() if value is not None}
    with pytest.raises(Refused) as refused:
        rule("here", **said)
    assert told in str(refused.value)
    assert str(refused.value).startswith("price override here: ")


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([tier(0, 10, "1"), tier(11, None, "1")], "tier starts at 11, the one below ends at 10"),
        ([tier(0, 10, "1")], "no price from 10 on"),
        ([tier(0, 10, "1"), tier(10, None, "1") | {"tier_rule": "whole"}], "tiers of one unit go by two rules"),
        ([tier(n, None if n == 32 else n + 1, "1") for n in range(33)], "one of 33 tiers, at most 32 are read"),
        ([tier(0, None, "1") | {"tier_rule": "slab"}], "tier rule 'slab' is not known: whole and graduated are"),
    ],
)
def test_a_book_of_broken_tiers_is_refused(records: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(Refused) as refused:
        make_book(P, M, *records)
    assert told in str(refused.value)


def test_tiers_count_as_one_rule() -> None:
    mine = rule(**GOOD)
    overrides = NONE.with_rules([mine, rule("other", multiply="0.5", provider="p")])
    assert [step.override_id for step in overrides.ranked] == ["other", "r", "r"]
    assert overrides.without(["r"]).ranked == (rule("other", multiply="0.5", provider="p"),)

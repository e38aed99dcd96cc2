"""What tools cost: a price a call, a price a second that they run, exact and rounded once a line."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.book import PriceBook
from ledger.books.charge import price
from ledger.books.override import Overrides, Rule
from ledger.books.rule_events import read_set, set_body
from ledger.books.units import TOOL_NS_MAX
from ledger.errors import Refused
from tests.ledger.books.made import NOVEMBER_2026_NS, Line, make_book, offer, provider_record, total, views
from tests.ledger.books.test_override import fixed, rule

SECOND = 10**9
TOOL = {"operation": "tool", "usage_status": "not_applicable", "start_ns": NOVEMBER_2026_NS}


def fee(override_id: str, tool: str, usd: str, unit: str = "tool_calls", per: int = 1, **said: Any) -> Rule:
    return fixed(override_id, unit, usd, per, tool=tool, **said)


def lines(book: PriceBook, *rules: Rule, **given: Any) -> list[Line]:
    found: list[Line] = price(views(TOOL | given), book, overrides=Overrides(rules)).to_pylist()
    return found


def test_a_call_of_a_tool_with_a_price_books_one_line_and_any_other_books_none(seed: PriceBook) -> None:
    found = lines(seed, fee("f", "search", "0.01"), tool_name="search")
    assert [
        (each["unit"], each["quantity"], each["unit_price_usd"], each["per"], each["cost_usd"], each["list_cost_usd"])
        for each in found
    ] == [("tool_calls", 1, Decimal("0.01"), 1, Decimal("0.01"), Decimal("0.01"))]
    assert (found[0]["status"], found[0]["basis"], found[0]["override_id"]) == ("priced", "computed", "f")
    assert (found[0]["reason"], found[0]["price_id"]) == ("override f: 0.01 USD for 1", None)
    assert lines(seed, fee("f", "search", "0.01"), tool_name="fetch") == []
    assert lines(seed, tool_name="search") == []


def test_a_thousand_calls_may_have_one_price(seed: PriceBook) -> None:
    found = lines(seed, fee("f", "search", "5", per=1_000), tool_name="search")
    assert total(found) == Decimal("0.005")


def test_seconds_are_counted_to_the_nanosecond_and_the_line_is_rounded_once(seed: PriceBook) -> None:
    per_second = fee("f", "sandbox", "0.05", "tool_seconds")
    found = lines(seed, per_second, tool_name="sandbox", duration_ns=1_234_567_891)
    assert [(each["unit"], each["quantity"], each["cost_usd"]) for each in found] == [
        ("tool_seconds", Decimal("1.234567891"), Decimal("0.061728394550"))
    ]
    a_third = fee("f", "sandbox", "1", "tool_seconds", per=3_600)
    assert total(lines(seed, a_third, tool_name="sandbox", duration_ns=SECOND)) == Decimal("0.000277777778")


def test_a_price_a_call_and_one_a_second_are_two_lines(seed: PriceBook) -> None:
    rules = [fee("call", "sandbox", "0.25"), fee("time", "sandbox", "0.5", "tool_seconds")]
    found = lines(seed, *rules, tool_name="sandbox", duration_ns=3 * SECOND)
    assert [(each["unit"], each["cost_usd"], each["override_id"]) for each in found] == [
        ("tool_calls", Decimal("0.25"), "call"),
        ("tool_seconds", Decimal("1.5"), "time"),
    ]


@pytest.mark.parametrize("duration_ns", [None, TOOL_NS_MAX + 1])
def test_a_time_that_is_not_known_is_unknown_and_not_nothing(seed: PriceBook, duration_ns: int | None) -> None:
    rules = [fee("call", "sandbox", "0.25"), fee("time", "sandbox", "0.5", "tool_seconds")]
    found = lines(seed, *rules, tool_name="sandbox", duration_ns=duration_ns)
    assert [(each["unit"], each["quantity"], each["cost_usd"], each["status"]) for each in found] == [
        ("tool_calls", 1, Decimal("0.25"), "priced"),
        ("unknown", None, None, "unpriced"),
    ]
    assert found[1]["reason"] == "start or end not sent, or more than a year apart: seconds of the tool not known"


def test_a_tool_that_took_no_time_costs_nothing_and_that_is_known(seed: PriceBook) -> None:
    found = lines(seed, fee("f", "t", "0.5", "tool_seconds"), tool_name="t", duration_ns=0)
    assert [(each["quantity"], each["cost_usd"], each["status"]) for each in found] == [(0, 0, "priced")]
    assert total(lines(seed, fee("f", "t", "1", "tool_seconds", 86_400), tool_name="t", duration_ns=TOOL_NS_MAX)) == 366


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("Web_*", "web_search", True),
        ("web_search", "Web_Search ", True),
        ("web_*", "my_web_search", False),
        ("*", "anything", True),
        ("*", None, False),
        ("search", None, False),
    ],
)
def test_a_tool_is_known_by_its_name_or_a_part_of_it(
    seed: PriceBook, pattern: str, name: str | None, matches: bool
) -> None:
    assert bool(lines(seed, fee("f", pattern, "1"), tool_name=name)) == matches


def test_the_full_name_holds_before_a_part_and_of_equals_the_last(seed: PriceBook) -> None:
    rules = [fee("full", "search", "1"), fee("part", "sea*", "2"), fee("any", "*", "3"), fee("again", "sea*", "4")]
    for left, winner in ((rules, "full"), (rules[1:], "again"), (rules[2:3], "any")):
        assert lines(seed, *left, tool_name="search")[0]["override_id"] == winner


@pytest.mark.parametrize(
    ("bounds", "matches"),
    [
        ({"valid_from_ns": NOVEMBER_2026_NS}, True),
        ({"valid_from_ns": NOVEMBER_2026_NS + 1}, False),
        ({"valid_to_ns": NOVEMBER_2026_NS + 1}, True),
        ({"valid_to_ns": NOVEMBER_2026_NS}, False),
    ],
)
def test_a_fee_holds_for_calls_that_start_within_its_dates(
    seed: PriceBook, bounds: dict[str, int], matches: bool
) -> None:
    assert bool(lines(seed, fee("f", "search", "1", **bounds), tool_name="search")) == matches


def test_a_fee_that_is_reported_is_preferred_to_the_computed_one_as_any_reported_cost(seed: PriceBook) -> None:
    rules, billed = [fee("f", "search", "0.01")], {"reported_cost_usd": Decimal("0.03")}
    found = lines(seed, *rules, tool_name="search", reported_source="gen_ai.usage.cost", **billed)
    assert [(each["unit"], each["cost_usd"]) for each in found] == [
        ("tool_calls", Decimal("0.01")),
        ("reported_difference", Decimal("0.02")),
    ]
    estimate = {**billed, "reported_source": "operation.cost"}
    assert total(lines(seed, *rules, tool_name="search", **estimate)) == Decimal("0.01")
    assert total(lines(seed, tool_name="search", **estimate)) == Decimal("0.03")


def test_a_tool_that_names_a_model_is_no_model_and_a_model_is_no_tool(seed: PriceBook) -> None:
    model = {"provider": "openai", "request_model": "gpt-4o"}
    halved = rule("half", model="gpt-4o", multiply="0.5")
    found = lines(seed, fee("f", "*", "1"), halved, tool_name="search", **model, input_tokens=1_000)
    assert [(each["unit"], each["cost_usd"], each["override_id"]) for each in found] == [("tool_calls", 1, "f")]
    chat = {"operation": "chat", "usage_status": "reported", "input_tokens": 0, "output_tokens": 0}
    found = lines(seed, fee("f", "*", "1"), tool_name="search", **model, **chat)
    assert [(each["unit"], each["cost_usd"]) for each in found] == [("fresh_input_tokens", 0)]


def test_a_price_of_tools_in_a_book_charges_nothing() -> None:
    book = make_book(provider_record("acme", {"equals": "acme"}), *offer("acme", "m", {"equals": "m"}, tool_calls="1"))
    assert lines(book, tool_name="search", provider="acme", request_model="m") == []


@given(
    usd=st.decimals(min_value=0, max_value=10**6, places=12),
    per=st.integers(1, 10**9),
    ran_ns=st.integers(0, TOOL_NS_MAX),
)
def test_a_price_of_time_is_exact_and_rounded_once(seed: PriceBook, usd: Decimal, per: int, ran_ns: int) -> None:
    (found,) = lines(seed, fee("f", "t", format(usd, "f"), "tool_seconds", per), tool_name="t", duration_ns=ran_ns)
    numerator, denominator = usd.as_integer_ratio()
    floor, rest = divmod(numerator * ran_ns * 10**12, denominator * per * 10**9)
    twice, whole = 2 * rest, denominator * per * 10**9
    rounded = floor + (twice > whole or (twice == whole and floor % 2 == 1))
    assert found["cost_usd"] == Decimal(rounded).scaleb(-12)
    assert found["quantity"] == Decimal(ran_ns).scaleb(-9)
    assert found["parts"] == ran_ns


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"tool": "t", "multiply": "0.5"}, "no list has a price of a tool to multiply"),
        ({"tool": "t", "price_usd": "1", "per": 1}, "one of tool_calls, tool_seconds"),
        ({"tool": "t", "price_usd": "1", "per": 1, "unit": "output_tokens"}, "together, or neither"),
        ({"price_usd": "1", "per": 1, "unit": "tool_calls"}, "give `tool`"),
        ({"model": "m", "price_usd": "1", "per": 1, "unit": "tool_calls"}, "give `tool`"),
        ({"unit": "tool_seconds", "multiply": "2"}, "give `tool`"),
        ({"tool": "t", "model": "m", "price_usd": "1", "per": 1, "unit": "tool_calls"}, "give `tool` alone"),
        ({"tool": "t", "provider": "p", "price_usd": "1", "per": 1, "unit": "tool_calls"}, "give `tool` alone"),
        ({"tool": "", "price_usd": "1", "per": 1, "unit": "tool_calls"}, "tool ''"),
        ({"tool": "t", "price_usd": "1000001", "per": 1, "unit": "tool_seconds"}, "at most 10"),
    ],
)
def test_half_a_rule_for_a_tool_is_refused_with_what_is_missing(said: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words.replace("^", r"\^")):
        rule("r", **said)


def test_an_event_says_a_fee_as_it_was_set() -> None:
    rules = [fee("call", "Web_*", "0.01", per=1_000), fee("time", "sandbox", "0.5", "tool_seconds")]
    assert list(read_set(set_body(rules))) == rules
    assert b'"tool":"web_*"' in set_body(rules)

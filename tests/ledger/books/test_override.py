"""Prices of one's own: which rule holds for a line, what it costs then, and what an event may say."""

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.book import PriceBook
from ledger.books.charge import price
from ledger.books.override import NONE, PRICED_UNITS, Overrides, Rule
from ledger.books.rule_events import Removal, read_removal, read_set, removal_body, rule_of, set_body
from ledger.errors import Refused
from tests.ledger.books.made import NOVEMBER_2026_NS, Line, mtok, total, view, views

GPT_4O = {"provider": "openai", "request_model": "gpt-4o", "input_tokens": 1_000, "output_tokens": 500}
"""2.50 and 10 a million: 0.0025 + 0.005 = 0.0075."""
UNKNOWN = GPT_4O | {"request_model": "my-own-model"}


def rule(override_id: str = "r", **said: Any) -> Rule:
    return rule_of({"id": override_id, "reason": "agreed", "author": "jane", **said})


def fixed(override_id: str, unit: str, usd: str, per: int = 1_000_000, **said: Any) -> Rule:
    return rule(override_id, unit=unit, price_usd=usd, per=per, **said)


def lines(book: PriceBook, *rules: Rule, **given: Any) -> list[Line]:
    found: list[Line] = price(views(view(**given)), book, overrides=Overrides(rules)).to_pylist()
    return found


def costs(found: list[Line]) -> dict[str, tuple[Any, Any, Any]]:
    return {line["unit"]: (line["list_cost_usd"], line["cost_usd"], line["override_id"]) for line in found}


def test_a_discount_lowers_the_cost_and_leaves_the_list_cost_and_price(seed: PriceBook) -> None:
    found = lines(seed, rule(provider="openai", multiply="0.85"), **GPT_4O)
    assert costs(found) == {
        "fresh_input_tokens": (Decimal("0.0025"), Decimal("0.002125"), "r"),
        "output_tokens": (Decimal("0.005"), Decimal("0.00425"), "r"),
    }
    assert [line["unit_price_usd"] for line in found] == [Decimal("2.50"), Decimal(10)]
    assert {line["reason"] for line in found} == {"override r: 0.85 times the list price"}


def test_a_fixed_price_of_one_unit_leaves_the_others(seed: PriceBook) -> None:
    found = lines(seed, fixed("r", "output_tokens", "4", model="gpt-4o"), **GPT_4O)
    assert costs(found) == {
        "fresh_input_tokens": (Decimal("0.0025"), Decimal("0.0025"), None),
        "output_tokens": (Decimal("0.005"), Decimal("0.002"), "r"),
    }


def test_a_fixed_price_prices_what_the_book_does_not_know(seed: PriceBook) -> None:
    rules = [fixed(unit, unit, usd, model="my-own-*") for unit, usd in (("fresh_input_tokens", "1"),)]
    found = lines(seed, *rules, **UNKNOWN)
    assert costs(found) == {
        "fresh_input_tokens": (Decimal("0.001"), Decimal("0.001"), "fresh_input_tokens"),
        "output_tokens": (None, None, None),
    }
    assert [(line["status"], line["unit_price_usd"], line["per"], line["price_id"]) for line in found] == [
        ("priced", Decimal(1), 1_000_000, None),
        ("unpriced", None, None, None),
    ]
    assert found[0]["reason"] == (
        "override fresh_input_tokens: 1 USD for 1000000; the price book does not know the model"
    )


def test_a_discount_does_not_price_the_unknown(seed: PriceBook) -> None:
    found = lines(seed, rule(model="*", multiply="0.5"), **UNKNOWN)
    assert [(line["cost_usd"], line["status"], line["override_id"]) for line in found] == [(None, "unpriced", None)] * 2


def test_a_price_of_nothing_is_a_cost_of_nothing_and_not_unknown(seed: PriceBook) -> None:
    found = lines(seed, rule(model="gpt-4o", multiply="0"), **GPT_4O)
    assert total(found) == 0
    assert {line["status"] for line in found} == {"priced"}


def test_a_fixed_price_sets_a_unit_apart_that_the_book_does_not(seed: PriceBook) -> None:
    given_reasoning = GPT_4O | {"reasoning_tokens": 200}
    found = lines(seed, fixed("r", "reasoning_tokens", "20", model="gpt-4o"), **given_reasoning)
    assert {line["unit"]: line["cost_usd"] for line in found} == {
        "fresh_input_tokens": mtok("2.50", 1_000),
        "output_tokens": mtok("10", 300),
        "reasoning_tokens": mtok("20", 200),
    }
    fee = lines(seed, fixed("r", "requests", "0.01", per=1, provider="openai"), **GPT_4O)
    assert total(fee) == Decimal("0.0175")


def test_a_believed_report_stays_the_sum_and_the_difference_is_to_the_own_price(seed: PriceBook) -> None:
    reported = {"reported_cost_usd": Decimal("0.1"), "reported_source": "gen_ai.usage.cost"}
    found = lines(seed, rule(provider="openai", multiply="0.5"), **GPT_4O, **reported)
    assert costs(found)["reported_difference"] == (0, Decimal("0.1") - Decimal("0.00375"), None)
    assert total(found) == Decimal("0.1")
    assert sum(line["list_cost_usd"] for line in found) == Decimal("0.0075")


def test_an_estimate_is_not_needed_where_an_override_knows_the_price(seed: PriceBook) -> None:
    estimate = {"reported_cost_usd": Decimal("0.1"), "reported_source": "llm.cost.total"}
    rules = [fixed(unit, unit, "1", model="my-own-model") for unit in ("fresh_input_tokens", "output_tokens")]
    assert total(lines(seed, **UNKNOWN, **estimate)) == Decimal("0.1")
    assert total(lines(seed, *rules, **UNKNOWN, **estimate)) == mtok("1", 1_500)


@pytest.mark.parametrize(
    ("said", "matches"),
    [
        ({"provider": "openai"}, True),
        ({"provider": "OpenAI"}, True),
        ({"provider": "azure"}, False),
        ({"model": "gpt-4o"}, True),
        ({"model": "GPT-4o"}, True),
        ({"model": "gpt-4"}, False),
        ({"model": "gpt-4*"}, True),
        ({"model": "*4o"}, True),
        ({"model": "gpt.4o"}, False),
        ({"model": "*"}, True),
        ({"unit": "output_tokens"}, True),
        ({"unit": "cache_read_tokens"}, False),
        ({"provider": "openai", "model": "gpt-4o", "valid_from_ns": NOVEMBER_2026_NS}, True),
        ({"provider": "openai", "valid_from_ns": NOVEMBER_2026_NS + 1}, False),
        ({"provider": "openai", "valid_to_ns": NOVEMBER_2026_NS}, False),
        ({"provider": "openai", "valid_to_ns": NOVEMBER_2026_NS + 1}, True),
    ],
)
def test_a_rule_is_for_what_it_names_and_when(seed: PriceBook, said: dict[str, Any], matches: bool) -> None:
    found = lines(seed, rule(multiply="2", **said), **GPT_4O)
    assert any(line["override_id"] for line in found) == matches


def test_a_provider_is_known_by_any_of_its_names_and_azures_calls_are_not_openais(seed: PriceBook) -> None:
    azure = {"provider": "azure.ai.openai", "request_model": "gpt-4o", "input_tokens": 1_000, "output_tokens": 500}
    assert total(lines(seed, rule(provider="openai", multiply="0.5"), **azure)) == Decimal("0.0075")
    for name in ("azure", "azure_openai", "azure.ai.openai"):
        assert total(lines(seed, rule(provider=name, multiply="0.5"), **azure)) == Decimal("0.00375")
    nameless = GPT_4O | {"provider": None}
    assert total(lines(seed, rule(provider="openai", multiply="0.5"), **nameless)) == Decimal("0.00375")


def test_the_dated_model_that_answers_is_matched_by_its_own_name_and_by_the_books(seed: PriceBook) -> None:
    dated = GPT_4O | {"response_model": "gpt-4o-2024-08-06"}
    for model in ("gpt-4o-2024-08-06", "gpt-4o"):
        assert total(lines(seed, rule(model=model, multiply="2"), **dated)) == Decimal("0.015")


def test_the_rule_that_says_most_of_what_it_is_for_holds_and_of_equals_the_last(seed: PriceBook) -> None:
    rules = [
        rule("exact", model="gpt-4o", multiply="2"),
        rule("part", model="gpt-4*", unit="output_tokens", provider="openai", multiply="3"),
        rule("unit", unit="output_tokens", multiply="4"),
        rule("provider", provider="openai", multiply="5"),
        rule("again", provider="openai", multiply="6"),
    ]
    for number, winner in enumerate(("exact", "part", "unit", "again")):
        rest = rules[number:]
        assert costs(lines(seed, *rest, **GPT_4O))["output_tokens"][2] == winner
        if number:
            assert costs(lines(seed, *rest, **GPT_4O))["fresh_input_tokens"][2] in ("part", "again")


def test_a_call_of_unknown_usage_is_not_priced_by_a_rule(seed: PriceBook) -> None:
    found = lines(
        seed, rule(model="*", multiply="2"), provider="openai", request_model="gpt-4o", usage_status="missing"
    )
    assert [(line["unit"], line["cost_usd"]) for line in found] == [("unknown", None)]


factors = st.decimals(min_value=0, max_value=1000, places=6)
prices = st.decimals(min_value=0, max_value=10**6, places=12)


@given(factor=factors, tokens=st.integers(0, 10**14 - 1), out=st.integers(0, 10**6))
def test_a_factor_is_exact_and_rounded_once_a_line(seed: PriceBook, factor: Decimal, tokens: int, out: int) -> None:
    given_usage = GPT_4O | {"input_tokens": tokens, "output_tokens": out}
    for line in lines(seed, rule(model="gpt-4o", multiply=format(factor, "f")), **given_usage):
        exact = Fraction(line["quantity"]) * Fraction(line["unit_price_usd"]) * Fraction(factor) / line["per"]
        assert Fraction(line["cost_usd"]) == half_even(exact)


@given(usd=prices, per=st.integers(1, 10**9), tokens=st.integers(0, 10**14 - 1))
def test_a_fixed_price_is_exact_and_rounded_once_a_line(seed: PriceBook, usd: Decimal, per: int, tokens: int) -> None:
    one = fixed("r", "fresh_input_tokens", format(usd, "f"), per, model="gpt-4o")
    for line in lines(seed, one, **(GPT_4O | {"input_tokens": tokens, "output_tokens": 0})):
        assert Fraction(line["cost_usd"]) == half_even(Fraction(line["quantity"]) * Fraction(usd) / per)


def half_even(exact: Fraction) -> Fraction:
    """To 12 decimals. Products of decimals have more digits than their arithmetic keeps, so they are fractions here."""
    return Fraction(round(exact * 10**12), 10**12)


said_rules = st.builds(
    lambda name, factor, model, start: rule(name, model=model, multiply=format(factor, "f"), valid_from_ns=start),
    name=st.sampled_from(["a", "b", "c", "d"]),
    factor=factors,
    model=st.sampled_from(["gpt-4o", "gpt*", "*"]),
    start=st.none() | st.integers(0, 2**62),
)
steps = st.lists(
    st.one_of(
        st.lists(said_rules, min_size=1, max_size=3, unique_by=lambda one: one.override_id),
        st.lists(st.sampled_from(["a", "b", "c", "z"]), min_size=1, max_size=2).map(
            lambda ids: Removal(tuple(ids), "over", "jane")
        ),
    ),
    max_size=8,
)


@given(steps=steps)
def test_rules_fold_as_in_a_plain_list(steps: list[Any]) -> None:
    overrides, plain = NONE, list[Rule]()
    for step in steps:
        if isinstance(step, Removal):
            assert read_removal(removal_body(step)) == step
            overrides = overrides.without(step.override_ids)
            plain = [each for each in plain if each.override_id not in step.override_ids]
        else:
            assert list(read_set(set_body(step))) == step
            overrides = overrides.with_rules(step)
            plain = [each for each in plain if each.override_id not in [new.override_id for new in step]] + step
    assert list(overrides.rules) == plain


SOUND = {"id": "r", "model": "m", "multiply": "0.5", "reason": "agreed", "author": "jane"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"multiply": 0.5}, "multiply"),
        ({"multiply": "NaN"}, "multiply"),
        ({"multiply": "-1"}, "multiply"),
        ({"multiply": "1001"}, "0 to 1000"),
        ({"multiply": "0.0000001"}, "up to 6 decimals"),
        ({"multiply": "1", "price_usd": "1"}, "give one of"),
        ({"multiply": None}, "give one of"),
        ({"multiply": None, "price_usd": "1", "per": 1}, "give `unit`"),
        ({"multiply": None, "price_usd": "1", "unit": "output_tokens"}, "per"),
        ({"multiply": None, "price_usd": "1000001", "per": 1, "unit": "output_tokens"}, "at most 10^6 USD"),
        ({"per": 1}, "per"),
        ({"unit": "pages"}, "output_tokens"),
        ({"model": None}, "at least one"),
        ({"model": ""}, "model"),
        ({"id": "no spaces"}, "id"),
        ({"reason": ""}, "reason"),
        ({"author": None}, "author"),
        ({"valid_from_ns": 5, "valid_to_ns": 5}, "ends before"),
        ({"valid_from_ns": True}, "valid_from_ns"),
        ({"valid_form": 1}, "valid_form is not known"),
    ],
)
def test_what_is_no_rule_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    said = {name: value for name, value in (SOUND | change).items() if value is not None}
    with pytest.raises(Refused, match=words.replace("^", r"\^")):
        read_set(json.dumps({"rules": [said]}).encode())
    assert read_set(json.dumps({"rules": [SOUND]}).encode())[0].multiply == Decimal("0.5")


@given(
    body=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.just("rules"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["rules", "ids", "id", "reason", "author"]), inner, max_size=3)
        ),
    ).map(lambda tree: json.dumps(tree).encode())
)
def test_whatever_the_body_it_is_read_or_refused(body: bytes) -> None:
    for read in (read_set, read_removal):
        try:
            read(body)
        except Refused:
            continue


def test_more_rules_than_may_be_in_force_are_refused() -> None:
    many = [rule(f"r{number}", model="m", multiply="1") for number in range(1_000)]
    full = NONE.with_rules(many)
    assert full.with_rules(many[:1]).rules[-1].override_id == "r0"
    with pytest.raises(Refused, match="at most 1000"):
        full.with_rules([rule("one-more", model="m", multiply="1")])


def test_every_unit_with_a_price_may_be_named() -> None:
    assert {"fresh_input_tokens", "output_tokens", "web_searches", "requests"} < set(PRICED_UNITS)
    for unit in PRICED_UNITS:
        assert fixed("r", unit, "1").unit == unit


@given(pattern=st.text("ab*", min_size=1, max_size=8), name=st.text("ab", max_size=8))
def test_a_star_stands_for_any_characters(pattern: str, name: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    assert rule(model=pattern, multiply="2").matches_model(name) == expected


def test_a_model_of_many_stars_takes_no_longer_than_its_name() -> None:
    assert not rule(model="*a" * 120 + "*b", multiply="2").matches_model("a" * 250)

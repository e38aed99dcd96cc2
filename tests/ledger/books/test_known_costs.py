"""Costs that were worked out by hand, or that another program measured, of what real emitters send.

The cases A to K are those on which other tools were seen to go wrong. Here are the parts that are pricing's: that
cache counts are found under any name (B), made inclusive (C), or read from old attributes (E, J) is the dialects' to
test, and that an agent's total is not booked beside its calls' (I) is tested again with whole traces.
"""

from decimal import Decimal

import pytest

from ledger.books.book import PriceBook
from tests.ledger.books.made import lines, mtok, quantities, total

SONNET = {"provider": "anthropic", "request_model": "claude-sonnet-4-5"}
GPT_4O = {"provider": "openai", "request_model": "gpt-4o"}


def test_case_a_cache_reads_and_writes_within_the_input(seed: PriceBook) -> None:
    found = lines(
        seed, **SONNET, input_tokens=10_000, cache_read_tokens=8_000, cache_write_tokens=1_000, output_tokens=500
    )
    by_hand = mtok("3", 1_000) + mtok("0.30", 8_000) + mtok("3.75", 1_000) + mtok("15", 500)
    assert total(found) == by_hand == Decimal("0.01665")


def test_cases_d_and_e_plain_usage(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, input_tokens=1_000, output_tokens=500)
    assert total(found) == mtok("2.50", 1_000) + mtok("10", 500) == Decimal("0.0075")


def test_case_f_batch_is_half_price(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, input_tokens=1_000, output_tokens=500, service_tier="batch")
    assert total(found) == mtok("1.25", 1_000) + mtok("5", 500) == Decimal("0.00375")


def test_case_g_a_gateways_figure_is_the_sum_and_the_computed_cost_stays_visible(seed: PriceBook) -> None:
    reported = {"reported_cost_usd": Decimal("0.123"), "reported_source": "gen_ai.usage.cost"}
    found = lines(seed, **GPT_4O, input_tokens=1_000, output_tokens=500, **reported)
    assert total(found) == Decimal("0.123")
    assert [(line["unit"], line["cost_usd"], line["basis"]) for line in found] == [
        ("fresh_input_tokens", mtok("2.50", 1_000), "computed"),
        ("output_tokens", mtok("10", 500), "computed"),
        ("reported_difference", Decimal("0.123") - Decimal("0.0075"), "reported"),
    ]


def test_case_h_a_tools_fee_is_what_the_telemetry_says(seed: PriceBook) -> None:
    fee = {"reported_cost_usd": Decimal("0.01"), "reported_source": "gen_ai.usage.cost"}
    found = lines(seed, operation="tool", usage_status="not_applicable", **fee)
    assert [(line["unit"], line["cost_usd"]) for line in found] == [("reported_difference", Decimal("0.01"))]


def test_case_i_an_agents_total_is_not_priced(seed: PriceBook) -> None:
    assert lines(seed, operation="agent", **GPT_4O, input_tokens=2_000, output_tokens=1_000) == []


def test_case_j_openai_cache_reads(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, input_tokens=1_000, cache_read_tokens=400, output_tokens=500)
    assert total(found) == mtok("2.50", 600) + mtok("1.25", 400) + mtok("10", 500) == Decimal("0.007")


def test_case_k_an_unknown_model_keeps_its_quantities_and_has_no_cost(seed: PriceBook) -> None:
    found = lines(seed, provider="openai", request_model="my-own-model", input_tokens=1_000, output_tokens=500)
    assert quantities(found) == {"fresh_input_tokens": 1_000, "output_tokens": 500}
    assert {(line["unit_price_usd"], line["cost_usd"], line["status"]) for line in found} == {(None, None, "unpriced")}
    assert total(found) is None


CAPTURED = {
    "gpt-4o-mini": (
        {"provider": "openai", "input_tokens": 2_006, "cache_read_tokens": 1_920, "output_tokens": 300},
        mtok("0.15", 86) + mtok("0.075", 1_920) + mtok("0.60", 300),
        "0.0003369",
    ),
    "gpt-4o-mini-2024-07-18": (
        {"provider": "openai", "input_tokens": 2_006, "output_tokens": 300, "reasoning_tokens": 192},
        mtok("0.15", 2_006) + mtok("0.60", 300),
        "0.0004809",
    ),
    "text-embedding-3-small": (
        {"provider": "openai", "operation": "embeddings", "input_tokens": 9},
        mtok("0.02", 9),
        "0.00000018",
    ),
    "claude-sonnet-4-5": (
        {
            "provider": "anthropic",
            "input_tokens": 2_009,
            "cache_read_tokens": 1_800,
            "cache_write_tokens": 188,
            "cache_write_5m_tokens": 100,
            "cache_write_1h_tokens": 88,
            "output_tokens": 393,
        },
        mtok("3", 21) + mtok("0.30", 1_800) + mtok("3.75", 100) + mtok("6", 88) + mtok("15", 393),
        "0.007401",
    ),
    "claude-sonnet-4-5-20250929": (
        {
            "provider": "anthropic",
            "input_tokens": 2_009,
            "cache_read_tokens": 1_800,
            "cache_write_tokens": 188,
            "output_tokens": 393,
        },
        mtok("3", 21) + mtok("0.30", 1_800) + mtok("3.75", 188) + mtok("15", 393),
        "0.007203",
    ),
}
"""What the fake provider behind the sample traces serves, and what it costs at list price."""


@pytest.mark.parametrize("model", CAPTURED)
def test_captured_calls_cost_what_was_measured(seed: PriceBook, model: str) -> None:
    usage, by_hand, measured = CAPTURED[model]
    assert total(lines(seed, request_model=model, **usage)) == by_hand == Decimal(measured)


def test_claude_codes_own_figure_makes_up_for_lifetimes_it_does_not_report(seed: PriceBook) -> None:
    usage, by_hand, _ = CAPTURED["claude-sonnet-4-5-20250929"]
    reported = {"reported_cost_usd": Decimal("0.007401"), "reported_source": "cost_usd"}
    found = lines(seed, request_model="claude-sonnet-4-5", **usage, **reported)
    assert found[-1]["cost_usd"] == Decimal("0.007401") - by_hand == Decimal("0.000198")
    assert [line["reason"] for line in found if line["unit"] == "cache_write_tokens"] == [
        "cache lifetime not reported: price for 5 minutes"
    ]

"""Which price is chosen, and what becomes of usage that cannot be priced."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from ledger.books import units
from ledger.books.book import PriceBook
from ledger.books.charge import CALLS_PER_STEP, LINES, price
from ledger.books.reported import Preference
from ledger.money import SMALL_MAX, to_pico
from tests.ledger.books.made import (
    Line,
    lines,
    make_book,
    mtok,
    offer,
    price_record,
    provider_record,
    quantities,
    total,
    view,
    views,
)

GPT_4O = {"provider": "openai", "request_model": "gpt-4o"}
SONNET = {"provider": "anthropic", "request_model": "claude-sonnet-4-5"}
USED = {"input_tokens": 1_000, "output_tokens": 500}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def reasons(found: list[Line]) -> dict[str, str | None]:
    return {line["unit"]: line["reason"] for line in found}


# the price in force


@pytest.mark.parametrize(("day", "input_mtok"), [("2025-06-09T23:59:59", "10"), ("2025-06-10T00:00:00", "2")])
def test_the_price_is_the_one_in_force_when_the_call_started(seed: PriceBook, day: str, input_mtok: str) -> None:
    found = lines(seed, provider="openai", request_model="o3", start_ns=at(day), input_tokens=1_000, output_tokens=0)
    assert total(found) == mtok(input_mtok, 1_000)


def test_the_last_nanosecond_of_a_price_is_still_that_price(seed: PriceBook) -> None:
    start_ns = at("2025-06-10T00:00:00") - 1
    assert total(lines(seed, provider="openai", request_model="o3", start_ns=start_ns, **USED)) == mtok(
        "10", 1_000
    ) + mtok("40", 500)


@pytest.mark.parametrize(("tokens", "input_mtok"), [(200_000, "1.25"), (200_001, "2.50")])
def test_a_large_request_pays_the_higher_price_for_every_token(seed: PriceBook, tokens: int, input_mtok: str) -> None:
    found = lines(seed, provider="gcp.gemini", request_model="gemini-2.5-pro", input_tokens=tokens, output_tokens=0)
    assert total(found) == mtok(input_mtok, tokens)


def test_the_size_of_a_request_counts_its_cached_tokens_too(seed: PriceBook) -> None:
    found = lines(
        seed,
        provider="gcp.gemini",
        request_model="gemini-2.5-pro",
        input_tokens=200_001,
        cache_read_tokens=200_000,
        output_tokens=10,
    )
    assert total(found) == mtok("2.50", 1) + mtok("0.25", 200_000) + mtok("15", 10)


@pytest.mark.parametrize(
    ("time", "input_mtok"),
    [("00:29:59", "0.135"), ("00:30:00", "0.27"), ("16:29:59", "0.27"), ("16:30:00", "0.135"), ("23:59:59", "0.135")],
)
def test_a_price_by_the_time_of_day(seed: PriceBook, time: str, input_mtok: str) -> None:
    start_ns = at(f"2026-11-18T{time}")
    found = lines(
        seed, provider="deepseek", request_model="deepseek-chat", start_ns=start_ns, input_tokens=1_000, output_tokens=0
    )
    assert total(found) == mtok(input_mtok, 1_000)


def test_priority_costs_more_and_the_ordinary_tiers_do_not(seed: PriceBook) -> None:
    assert total(lines(seed, **GPT_4O, **USED, service_tier="priority")) == mtok("4.25", 1_000) + mtok("17", 500)
    for ordinary in ("default", "Standard", "auto", "", None):
        found = lines(seed, **GPT_4O, **USED, service_tier=ordinary)
        assert total(found) == Decimal("0.0075")
        assert set(reasons(found).values()) == {None}


@pytest.mark.parametrize(
    "given",
    [
        {"service_tier": "scale"},
        {"service_tier": "batch", "start_ns": at("2026-01-01T00:00:00")},
        {"service_tier": "batch", "provider": "azure.ai.openai"},
    ],
    ids=["never heard of", "before its price is known", "another seller's"],
)
def test_a_tier_without_a_price_is_priced_as_ordinary_and_says_so(seed: PriceBook, given: dict[str, object]) -> None:
    found = lines(seed, **{**GPT_4O, **USED, **given})
    assert total(found) == Decimal("0.0075")
    assert set(reasons(found).values()) == {"no price for this service tier: ordinary price"}


def test_without_a_start_time_a_price_that_changed_is_ambiguous_and_a_lasting_one_is_not(seed: PriceBook) -> None:
    changed = lines(seed, provider="openai", request_model="o3", start_ns=None, **USED)
    assert {(line["status"], line["cost_usd"]) for line in changed} == {("ambiguous", None)}
    assert total(lines(seed, **GPT_4O, start_ns=None, **USED)) == Decimal("0.0075")


def test_outside_the_dates_of_every_price_a_call_is_unpriced() -> None:
    record = price_record("p", "m", "output_tokens", "1", valid_from_ns=1_000, valid_to_ns=2_000)
    book = make_book(provider_record("p"), *offer("p", "m", {"equals": "m"}), record)
    starts = (999, 1_000, 1_999, 2_000)
    by_start = {start: total(lines(book, provider="p", request_model="m", start_ns=start, **USED)) for start in starts}
    assert by_start == {999: None, 1_000: mtok("1", 500), 1_999: mtok("1", 500), 2_000: None}


def test_a_model_that_the_book_lists_without_any_price_is_unpriced_and_says_so() -> None:
    priced = offer("p", "m", {"equals": "m"}, output_tokens="1")
    book = make_book(provider_record("p"), *priced, *offer("p", "bare", {"equals": "bare"}))
    found = lines(book, provider="p", request_model="bare", **USED)
    assert total(found) is None
    assert set(reasons(found).values()) == {"the price book has no price for this unit"}


# units


def test_cached_tokens_without_a_price_of_their_own_are_priced_as_the_input_they_are() -> None:
    book = make_book(provider_record("p"), *offer("p", "m", {"equals": "m"}, fresh_input_tokens="2", output_tokens="4"))
    found = lines(book, provider="p", request_model="m", input_tokens=100, cache_read_tokens=60, output_tokens=10)
    assert total(found) == mtok("2", 100) + mtok("4", 10)
    assert reasons(found)["cache_read_tokens"] == "no price of its own: price of the tokens it is part of"


def test_audio_images_and_reasoning_are_told_apart_only_where_priced_apart() -> None:
    usage = {"input_tokens": 100, "audio_input_tokens": 30, "image_input_tokens": 20}
    usage |= {"output_tokens": 50, "reasoning_tokens": 25, "audio_output_tokens": 5}
    plain = {"fresh_input_tokens": "1", "output_tokens": "2"}
    apart = {"audio_input_tokens": "10", "image_input_tokens": "5", "reasoning_tokens": "4", "audio_output_tokens": "8"}
    book = make_book(
        provider_record("p"),
        *offer("p", "plain", {"equals": "plain"}, **plain),
        *offer("p", "apart", {"equals": "apart"}, **plain, **apart),
    )
    assert quantities(lines(book, provider="p", request_model="plain", **usage)) == {
        "fresh_input_tokens": 100,
        "output_tokens": 50,
    }
    found = lines(book, provider="p", request_model="apart", **usage)
    assert quantities(found) == {
        "fresh_input_tokens": 50,
        "audio_input_tokens": 30,
        "image_input_tokens": 20,
        "output_tokens": 20,
        "reasoning_tokens": 25,
        "audio_output_tokens": 5,
    }
    assert total(found) == sum(
        (mtok("1", 50), mtok("10", 30), mtok("5", 20), mtok("2", 20), mtok("4", 25), mtok("8", 5)), Decimal(0)
    )


def test_a_request_fee_is_due_once_a_call_with_usage(seed: PriceBook) -> None:
    sonar = {"provider": "perplexity", "request_model": "sonar"}
    found = lines(seed, **sonar, **USED)
    assert [(line["unit"], line["per"]) for line in found][-1] == ("requests", 1_000)
    assert found[-1]["cost_usd"] == found[-1]["unit_price_usd"] / 1_000
    assert [line["unit"] for line in lines(seed, **sonar, usage_status="missing")] == ["unknown"]


def test_pieces_without_a_price_do_not_become_free(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, **USED, web_searches=2, code_executions=3)
    by_unit = {line["unit"]: line for line in found}
    assert by_unit["web_searches"]["cost_usd"] == Decimal("0.02")
    assert (by_unit["code_executions"]["quantity"], by_unit["code_executions"]["cost_usd"]) == (3, None)
    assert by_unit["code_executions"]["reason"] == "the price book has no price for this unit"


def test_a_price_is_rounded_once_half_to_even_at_twelve_decimals() -> None:
    half = "0.0000005"  # a million of this price is half a pico-dollar a token
    book = make_book(
        provider_record("p"), *offer("p", "m", {"equals": "m"}, fresh_input_tokens=half, output_tokens="0")
    )
    costs = [
        total(lines(book, provider="p", request_model="m", input_tokens=tokens, output_tokens=0)) for tokens in range(6)
    ]
    assert [to_pico(cost) for cost in costs if cost is not None] == [0, 0, 1, 2, 2, 2]


def test_amounts_beyond_64_bits_are_exact() -> None:
    book = make_book(provider_record("p"), *offer("p", "m", {"equals": "m"}, fresh_input_tokens="999999.999999999999"))
    tokens = units.QUANTITY_MAX
    figure = Decimal(10) ** 20
    found = lines(
        book,
        provider="p",
        request_model="m",
        operation="embeddings",
        input_tokens=tokens,
        reported_cost_usd=figure,
        reported_source="litellm.cost.total",
    )
    exact = round(Decimal("999999.999999999999") * tokens / 1_000_000, 12)
    assert to_pico(exact) > SMALL_MAX
    assert [line["cost_usd"] for line in found] == [exact, figure - exact]
    assert found[0]["quantity"] == tokens


# usage that is missing, partial or impossible


@pytest.mark.parametrize(
    ("status", "count", "units_booked"),
    [
        (None, None, ["unknown"]),
        ("missing", None, ["unknown"]),
        ("missing", 0, ["unknown"]),
        ("failed", None, []),
        ("failed", 0, []),
        ("not_applicable", None, []),
    ],
)
def test_a_call_without_usage_is_unknown_unless_it_failed(
    seed: PriceBook, status: str | None, count: int | None, units_booked: list[str]
) -> None:
    found = lines(seed, **GPT_4O, usage_status=status, input_tokens=count, output_tokens=count)
    assert [line["unit"] for line in found] == units_booked
    assert all((line["quantity"], line["cost_usd"], line["status"]) == (None, None, "unpriced") for line in found)


def test_a_failed_call_with_usage_is_charged(seed: PriceBook) -> None:
    assert total(lines(seed, **GPT_4O, usage_status="failed", **USED)) == Decimal("0.0075")


def test_usage_reported_as_nothing_costs_nothing_and_that_is_known(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, input_tokens=0, output_tokens=0)
    assert [(line["unit"], line["cost_usd"], line["status"]) for line in found] == [("fresh_input_tokens", 0, "priced")]


def test_half_a_report_is_booked_and_the_other_half_is_unknown(seed: PriceBook) -> None:
    assert reasons(lines(seed, **GPT_4O, input_tokens=1_000)) == {
        "fresh_input_tokens": None,
        "unknown": "tokens out not reported",
    }
    assert reasons(lines(seed, **GPT_4O, output_tokens=500)) == {
        "output_tokens": None,
        "unknown": "tokens in not reported",
    }


def test_cached_tokens_above_the_input_are_not_believed_and_nothing_is_negative(seed: PriceBook) -> None:
    found = lines(seed, **SONNET, input_tokens=1_000, cache_read_tokens=8_000, output_tokens=500)
    assert quantities(found) == {"fresh_input_tokens": 1_000, "output_tokens": 500}
    assert reasons(found)["fresh_input_tokens"] == "cached tokens exceed tokens in: all booked as fresh input"


def test_cache_lifetimes_above_the_writes_are_not_told_apart(seed: PriceBook) -> None:
    cache = {"cache_write_tokens": 100, "cache_write_5m_tokens": 100, "cache_write_1h_tokens": 88}
    found = lines(seed, **SONNET, input_tokens=1_000, **cache, output_tokens=0)
    assert quantities(found) == {"fresh_input_tokens": 900, "cache_write_tokens": 100}
    assert "cache lifetimes exceed tokens written" in (reasons(found)["cache_write_tokens"] or "")


@pytest.mark.parametrize("count", [-1, units.QUANTITY_MAX + 1, 2**62])
def test_an_impossible_count_is_unknown_usage(seed: PriceBook, count: int) -> None:
    found = lines(seed, **GPT_4O, input_tokens=count, output_tokens=500)
    assert [line["unit"] for line in found] == ["unknown"]
    assert reasons(found)["unknown"] == "a count is negative or above 10^14: usage not booked"


def test_estimated_usage_is_priced_and_marked(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, usage_status="estimated", **USED)
    assert total(found) == Decimal("0.0075")
    assert {line["basis"] for line in found} == {"estimated"}


# reported costs


def reported(usd: str, source: str | None = "gen_ai.usage.cost") -> dict[str, object]:
    return {"reported_cost_usd": Decimal(usd), "reported_source": source}


@pytest.mark.parametrize("usd", ["0", "-0.5"])
def test_a_reported_zero_or_less_is_never_believed(seed: PriceBook, usd: str) -> None:
    assert total(lines(seed, **GPT_4O, **USED, **reported(usd))) == Decimal("0.0075")
    assert [line["unit"] for line in lines(seed, **GPT_4O, usage_status="missing", **reported(usd))] == ["unknown"]


@pytest.mark.parametrize("source", ["operation.cost", "llm.cost.total", "somebody.else", None])
def test_an_sdks_estimate_counts_only_where_no_price_is_known(seed: PriceBook, source: str | None) -> None:
    assert total(lines(seed, **GPT_4O, **USED, **reported("0.9", source))) == Decimal("0.0075")
    unknown = lines(seed, provider="openai", request_model="my-own-model", **USED, **reported("0.9", source))
    assert [(line["unit"], line["cost_usd"]) for line in unknown] == [
        ("fresh_input_tokens", None),
        ("output_tokens", None),
        ("reported_difference", Decimal("0.9")),
    ]


def test_a_call_of_unknown_usage_costs_what_its_gateway_reports(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, usage_status="missing", **reported("0.9"))
    assert [(line["unit"], line["cost_usd"]) for line in found] == [
        ("reported_difference", Decimal("0.9")),
        ("unknown", None),
    ]
    assert found[0]["reason"] == "reported: gen_ai.usage.cost"


def test_a_report_below_the_list_price_makes_the_difference_negative(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, **USED, **reported("0.005"))
    assert found[-1]["cost_usd"] == Decimal("-0.0025")
    assert total(found) == Decimal("0.005")


def test_list_cost_stays_the_list_price_whatever_is_reported(seed: PriceBook) -> None:
    found = lines(seed, **GPT_4O, **USED, **reported("0.005"))
    assert sum(line["list_cost_usd"] for line in found) == Decimal("0.0075")


def test_which_source_is_preferred_can_be_set(seed: PriceBook) -> None:
    table = views(view(**GPT_4O, **USED, **reported("0.9", "llm.cost.total")))
    found = price(table, seed, {"llm.cost.total": Preference.ALWAYS}).to_pylist()
    assert total(found) == Decimal("0.9")


# the table


def test_lines_have_the_agreed_columns_also_when_there_are_none(seed: PriceBook) -> None:
    assert price(views(), seed).schema.equals(LINES)
    assert price(views(view(operation="agent"), view(**GPT_4O, **USED)), seed).schema.equals(LINES)
    assert price(views(view(operation="tool")), seed).num_rows == 0


def test_lines_come_by_row_then_unit_whatever_the_order_of_the_views(seed: PriceBook) -> None:
    table = views(*(view(**SONNET, **USED, cache_read_tokens=n, web_searches=1) for n in range(5)))
    shuffled = price(table.take(pa.array([3, 0, 4, 1, 2])), seed)
    assert shuffled.equals(price(table, seed))
    keys = [(line["row"], units.POSITION[line["unit"]]) for line in shuffled.to_pylist()]
    assert keys == sorted(keys)


def test_a_call_costs_the_same_alone_or_among_many(seed: PriceBook) -> None:
    some = [view(**SONNET, input_tokens=n, cache_read_tokens=n // 2, output_tokens=n % 7) for n in range(50)]
    some += [view(**GPT_4O, **USED, service_tier=tier) for tier in ("batch", None, "flex")]
    alone = [line for number, one in enumerate(some) for line in price(views(one), seed).to_pylist()]
    together = price(views(*some), seed).to_pylist()
    assert [{**line, "row": 0} for line in together] == alone


def test_more_calls_than_one_step_takes(seed: PriceBook) -> None:
    table = pa.concat_tables([views(view(**GPT_4O, **USED))] * (CALLS_PER_STEP + 2))
    table = table.set_column(0, "row", pa.array(range(len(table))))
    found = price(table, seed)
    assert found["row"].to_pylist() == [row for row in range(len(table)) for _ in range(2)]


def test_text_of_any_arrow_kind_is_read(seed: PriceBook) -> None:
    table = views(view(**GPT_4O, **USED))
    large = pa.schema([(f.name, pa.large_string() if f.type == pa.string() else f.type) for f in table.schema])
    assert price(table.cast(large), seed).equals(price(table, seed))

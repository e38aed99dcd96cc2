"""Answers of providers' APIs as their documentation shows them, and whatever else a file may hold."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.statements.sources import COUNT_MAX, FILE_BYTES_MAX, read
from ledger.books.statements.statement import Line, bucket, covered
from ledger.errors import Refused

FIRST_S = 1730419200
"""2024-11-01, as in OpenAI's documentation."""
DAY_S = 86_400


def openai(*results: dict[str, Any], start: int = FIRST_S, seconds: int = DAY_S, more: bool = False) -> bytes:
    one = {"object": "bucket", "start_time": start, "end_time": start + seconds, "results": list(results)}
    return json.dumps({"object": "page", "data": [one], "has_more": more, "next_page": None}).encode()


def anthropic(*results: dict[str, Any]) -> bytes:
    one = {"starting_at": "2025-08-01T00:00:00Z", "ending_at": "2025-08-02T00:00:00Z", "results": list(results)}
    return json.dumps({"data": [one], "has_more": False, "next_page": None}).encode()


def cost(value: object, item: str | None = None) -> dict[str, Any]:
    amount = {"value": value, "currency": "usd"}
    return {"object": "organization.costs.result", "amount": amount, "line_item": item, "project_id": None}


def usage(**said: object) -> dict[str, Any]:
    return {"object": "organization.usage.completions.result", "num_model_requests": 5} | said


def test_costs_of_openai_are_read_by_line_item() -> None:
    (found,) = read(
        openai(cost(0.06), cost("1.5", "gpt-4o-2024-08-06, input"), cost(2, "Web search tool calls"))
    ).buckets
    assert (found.provider, found.day) == ("openai", date(2024, 11, 1))
    assert found.lines == (
        Line(cost_usd=Decimal("0.06")),
        Line(model="gpt-4o-2024-08-06", cost_usd=Decimal("1.5"), item="gpt-4o-2024-08-06, input"),
        Line(cost_usd=Decimal(2), item="Web search tool calls"),
    )


def test_usage_of_openai_counts_audio_beside_text_and_cached_tokens_within_it() -> None:
    said = usage(model="gpt-4o", input_tokens=1000, input_cached_tokens=800, output_tokens=500, input_audio_tokens=300)
    (found,) = read(openai(said)).buckets
    assert found.lines == (Line("gpt-4o", 5, 1300, 500),)


def test_amounts_of_anthropic_are_cents_as_text() -> None:
    said = {"amount": "123.45", "currency": "USD", "model": "claude-sonnet-4-5", "description": "Input Tokens"}
    (found,) = read(anthropic(said)).buckets
    assert found.lines == (Line(model="claude-sonnet-4-5", cost_usd=Decimal("1.2345"), item="Input Tokens"),)


def test_usage_of_anthropic_adds_what_the_cache_read_and_took() -> None:
    said = {
        "uncached_input_tokens": 1500,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
        "cache_read_input_tokens": 200,
        "output_tokens": 500,
        "server_tool_use": {"web_search_requests": 10},
        "model": "claude-sonnet-4-5",
    }
    (found,) = read(anthropic(said)).buckets
    assert found.lines == (Line("claude-sonnet-4-5", None, 3200, 500),)


def test_several_pages_may_stand_in_one_file_and_the_last_says_whether_there_are_more() -> None:
    first, last = (openai(cost(1), start=FIRST_S + n * DAY_S, more=True) for n in range(2))
    found = read(b"[" + first + b"," + last + b"]")
    assert [each.day.day for each in found.buckets] == [1, 2]
    assert found.has_more


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no JSON"),
        (b"{}", "array `data`"),
        (b"[3]", "array `data`"),
        (b'{"data": [3]}', "array `result`"),
        (openai({"object": "organization.something"}), "of no source that can be read: openai costs"),
        (openai(cost(1), usage()), "stands among lines of openai costs"),
        (openai(cost("much")), "an amount of money expected, 'much' found"),
        (openai(cost(True)), "an amount of money"),
        (openai(cost(float("inf"))), "an amount of money"),
        (openai(cost(None)), "an amount of money"),
        (openai({**cost(1), "amount": {"value": 1, "currency": "eur"}}), "in USD expected"),
        (openai(usage(input_tokens=-1)), f"input_tokens: a count from 0 to {COUNT_MAX}"),
        (openai(usage(input_tokens=1.5)), "input_tokens: a count"),
        (openai(usage(model=3)), "model: a text expected"),
        (openai(cost(1), seconds=2 * DAY_S), "not within one day UTC"),
        (openai(cost(1), seconds=0), "not within one day UTC"),
        (openai(cost(1), start=10**30), "begins and ends cannot be read"),
        (anthropic({"amount": "1", "currency": "EUR"}), "in USD expected"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_statement_is_refused_with_what_was_found(body: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told.replace("(", r"\(")):
        read(body)


def test_a_file_beyond_the_bound_is_refused() -> None:
    with pytest.raises(Refused, match="at most"):
        read(b" " * (FILE_BYTES_MAX + 1))


def test_a_day_without_a_line_is_of_the_source_of_its_page_and_says_that_nothing_was_used() -> None:
    days = [
        {"start_time": FIRST_S + n * DAY_S, "end_time": FIRST_S + (n + 1) * DAY_S, "results": results}
        for n, results in enumerate(([], [cost(1)]))
    ]
    first, _ = read(json.dumps({"data": days}).encode()).buckets
    assert (first.source, first.lines, first.says) == ("openai costs", (), {"cost_usd"})
    assert read(json.dumps({"data": days[:1]}).encode()).buckets == ()


def test_endpoints_of_one_provider_count_for_themselves() -> None:
    both = [read(openai(usage() | {"object": f"organization.usage.{each}.result"})).buckets for each in ("a", "b")]
    assert [each.source for each in covered([*both[0], *both[1]]).buckets] == ["openai usage a", "openai usage b"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2025-08-01T00:00:00Z"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("data", "results", "result", "object", "amount", "value", "currency", "line_item", "model"),
                    *("num_model_requests", "input_tokens", "uncached_input_tokens", "cache_creation"),
                    *("start_time", "end_time", "starting_at", "ending_at", "has_more"),
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


def result_of(make: Callable[[], object]) -> str:
    try:
        make()
    except Refused:
        return "refused"
    return "read"


@given(json_values, st.sampled_from(["page", "bucket", "result"]))
def test_whatever_json_it_is_it_is_read_or_refused(value: object, where: str) -> None:
    said = {"object": "organization.costs.result", "amount": {"value": 1, "currency": "usd"}} | (
        value if isinstance(value, dict) else {"amount": value}
    )
    one = {"start_time": 0, "end_time": DAY_S, "results": [said]} if where == "result" else value
    body = value if where == "page" else {"data": [one]}
    assert result_of(lambda: read(json.dumps(body).encode())) in ("read", "refused")


# --- days ---------------------------------------------------------------------------------------------------------

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def hours(first: int, last: int, usd: int = 1, source: str = "openai costs"):  # type: ignore[no-untyped-def]
    begin, end = (MIDNIGHT + timedelta(hours=hour) for hour in (first, last))
    return bucket(source, "openai", ["cost_usd"], begin, end, [Line(cost_usd=Decimal(usd))])


def test_a_day_is_compared_when_its_stretches_cover_it_whole() -> None:
    assert covered([hours(12, 24), hours(0, 12)]).buckets == (hours(0, 12), hours(12, 24))
    found = covered([hours(0, 12), hours(24, 48)])
    assert found.buckets == (hours(24, 48),)
    assert found.remarks == ("openai costs says nothing of 12:00:00 of 2026-11-20: the day is left out",)


def test_a_page_that_is_given_twice_counts_once() -> None:
    assert covered([hours(0, 24), hours(0, 24)]).buckets == (hours(0, 24),)


@pytest.mark.parametrize("other", [hours(0, 24, usd=2), hours(6, 18), hours(0, 12)])
def test_stretches_that_overlap_and_say_something_else_are_refused(other: Any) -> None:
    with pytest.raises(Refused, match="says twice what was from 2026-11-20T"):
        covered([hours(0, 24), other])


def test_two_sources_may_cover_one_day() -> None:
    assert len(covered([hours(0, 24), hours(0, 24, source="openai usage")]).buckets) == 2

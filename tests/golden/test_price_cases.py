"""Telemetry as emitters write it, through the real decoding and posting, against bills worked out by hand.

The cases A to K are those on which other tools were measured to go wrong; the others are tiers, dates, variants, cache
lifetimes, audio, fees and clouds. Prices are written here as on the price lists, never read from the book under test.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.golden.books import keep, rows, traces
from tests.shown import shown

Attributes = Mapping[str, str | int | float]

NOVEMBER_2026 = "2026-11-10T12:00:00"


@dataclass(frozen=True)
class Said:
    """A span: its attributes, the number of its parent, and when it started (UTC)."""

    attributes: Attributes
    parent: int | None = None
    at: str = NOVEMBER_2026
    scope: str = ""


@dataclass(frozen=True)
class Case:
    """Spans, and what a bill says that they cost: `None` for unknown. `lines`: quantity and cost by unit."""

    spans: Sequence[Said]
    usd: str | None
    lines: Mapping[str, tuple[int, str | None]] = field(default_factory=dict)


def request(spans: Sequence[Said], trace_id: bytes) -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    for number, said in enumerate(spans, 1):
        scope = resource.scope_spans.add()
        scope.scope.name = said.scope
        span = scope.spans.add(name=f"span {number}", trace_id=trace_id, span_id=bytes([number] * 8))
        span.parent_span_id = bytes([said.parent] * 8) if said.parent else b""
        start_s = int(datetime.fromisoformat(said.at).replace(tzinfo=UTC).timestamp())
        span.start_time_unix_nano, span.end_time_unix_nano = start_s * 10**9, (start_s + 2) * 10**9
        for key, value in said.attributes.items():
            kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
            setattr(span.attributes.add(key=key).value, kind, value)
    return message.SerializeToString()


def chat(provider: str, model: str, tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    """Attributes of a chat in today's GenAI names; `more` with `__` for the dots after `gen_ai.usage.`."""
    usage = {f"gen_ai.usage.{name.replace('__', '.')}": value for name, value in more.items()}
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": tokens_in,
        "gen_ai.usage.output_tokens": tokens_out,
        **usage,
    }


def sonnet(tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    return chat("anthropic", "claude-sonnet-4-5", tokens_in, tokens_out, **more)


def gpt_4o(tokens_in: int = 1_000, tokens_out: int = 500, **more: Any) -> dict[str, Any]:
    return chat("openai", "gpt-4o", tokens_in, tokens_out, **more)


def one(attributes: Attributes, usd: str | None, at: str = NOVEMBER_2026, **lines: tuple[int, str | None]) -> Case:
    return Case([Said(attributes, at=at)], usd, lines)


PLAIN = {"fresh_input_tokens": (1_000, "0.0025"), "output_tokens": (500, "0.005")}
"""gpt-4o: 1,000 in at 2.50 and 500 out at 10 a million."""
CACHED = {
    "fresh_input_tokens": (1_000, "0.003"),
    "cache_read_tokens": (8_000, "0.0024"),
    "cache_write_tokens": (1_000, "0.00375"),
    "output_tokens": (500, "0.0075"),
}
"""claude-sonnet-4-5: 3, 0.30, 3.75 and 15 a million."""

MEASURED: Mapping[str, Case] = {
    "A, cache reads and writes within the input": one(
        sonnet(10_000, 500, cache_read__input_tokens=8_000, cache_creation__input_tokens=1_000), "0.01665", **CACHED
    ),
    "B, the same in the newer name of a cache write": one(
        sonnet(10_000, 500, cache_read__input_tokens=8_000, cache_write__input_tokens=1_000), "0.01665", **CACHED
    ),
    "C, input without the cache": one(
        sonnet(1_000, 500, cache_read__input_tokens=8_000, cache_creation__input_tokens=1_000), "0.01665", **CACHED
    ),
    "D, plain": one(gpt_4o(), "0.0075", **PLAIN),
    "E, names of old": one(
        {
            "gen_ai.system": "openai",
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.prompt_tokens": 1_000,
            "gen_ai.usage.completion_tokens": 500,
        },
        "0.0075",
        **PLAIN,
    ),
    "F, a batch is half price": one(
        gpt_4o() | {"openai.response.service_tier": "batch"},
        "0.00375",
        fresh_input_tokens=(1_000, "0.00125"),
        output_tokens=(500, "0.0025"),
    ),
    "G, a gateway's own figure": one(gpt_4o(cost=0.123), "0.123", **PLAIN, reported_difference=(1, "0.1155")),
    "H, a tool's fee": one(
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "web_search", "gen_ai.usage.cost": 0.01},
        "0.01",
        reported_difference=(1, "0.01"),
    ),
    "I, an agent's span with the sum of its two calls": Case(
        [
            Said(gpt_4o(2_000, 1_000) | {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}),
            Said(gpt_4o(), parent=1),
            Said(gpt_4o(), parent=1),
        ],
        "0.015",
        {"fresh_input_tokens": (2_000, "0.005"), "output_tokens": (1_000, "0.01")},
    ),
    "J, OpenInference with cache reads": one(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 1_000,
            "llm.token_count.completion": 500,
            "llm.token_count.prompt_details.cache_read": 400,
        },
        "0.007",
        fresh_input_tokens=(600, "0.0015"),
        cache_read_tokens=(400, "0.0005"),
        output_tokens=(500, "0.005"),
    ),
    "K, a model that no list knows": one(
        chat("openai", "my-own-model", 1_000, 500),
        None,
        fresh_input_tokens=(1_000, None),
        output_tokens=(500, None),
    ),
}

MORE: Mapping[str, Case] = {
    "200,000 tokens in are still of the lower tier": one(
        chat("gcp.gemini", "gemini-2.5-pro", 200_000, 1_000),  # 1.25 and 10 a million
        "0.26",
        fresh_input_tokens=(200_000, "0.25"),
        output_tokens=(1_000, "0.01"),
    ),
    "one token more makes every token dearer": one(
        chat("gcp.gemini", "gemini-2.5-pro", 200_001, 1_000),  # 2.50 and 15 a million
        "0.5150025",
        fresh_input_tokens=(200_001, "0.5000025"),
        output_tokens=(1_000, "0.015"),
    ),
    "the whole request's size sets the tier of each part, however small that is": one(
        sonnet(250_000, 100, cache_read__input_tokens=240_000, cache_write__input_tokens=4_000),  # 6, 0.60, 7.50, 22.50
        "0.21225",
        fresh_input_tokens=(6_000, "0.036"),
        cache_read_tokens=(240_000, "0.144"),
        cache_write_tokens=(4_000, "0.03"),
        output_tokens=(100, "0.00225"),
    ),
    "a call before o3 became cheaper": one(
        chat("openai", "o3", 1_000, 1_000),
        "0.05",
        at="2025-06-09T23:59:59",  # 10 and 40 a million
    ),
    "a call after o3 became cheaper": one(
        chat("openai", "o3", 1_000, 1_000),
        "0.01",
        at="2025-06-10T00:00:00",  # 2 and 8 a million
    ),
    "DeepSeek at night": one(
        chat("deepseek", "deepseek-chat", 10_000, 1_000),
        "0.0019",
        at="2026-11-10T00:29:59",  # 0.135 and 0.55
    ),
    "DeepSeek by day": one(
        chat("deepseek", "deepseek-chat", 10_000, 1_000),
        "0.0038",
        at="2026-11-10T00:30:00",  # 0.27 and 1.10
    ),
    "flex": one(
        chat("openai", "gpt-5.1", 10_000, 1_000) | {"openai.response.service_tier": "flex"},  # 0.625 and 5
        "0.01125",
    ),
    "priority asked for and given": one(
        chat("openai", "gpt-5.1", 10_000, 1_000)
        | {"openai.request.service_tier": "priority", "openai.response.service_tier": "priority"},  # 2.50 and 20
        "0.045",
    ),
    "priority asked for, the ordinary given": one(
        chat("openai", "gpt-5.1", 10_000, 1_000)
        | {"openai.request.service_tier": "priority", "openai.response.service_tier": "default"},  # 1.25 and 10
        "0.0225",
    ),
    "cache writes of five minutes and of an hour": one(
        sonnet(10_000, 500, cache_read__input_tokens=5_000, cache_creation__input_tokens=3_000)
        | {
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 1_000,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 2_000,
        },
        "0.03075",
        fresh_input_tokens=(2_000, "0.006"),
        cache_read_tokens=(5_000, "0.0015"),
        cache_write_5m_tokens=(1_000, "0.00375"),
        cache_write_1h_tokens=(2_000, "0.012"),
        output_tokens=(500, "0.0075"),
    ),
    "audio in and out": one(
        chat("openai", "gpt-realtime", 1_500, 700, audio__input_tokens=1_000, audio__output_tokens=600),  # 4 16 32 64
        "0.074",
        fresh_input_tokens=(500, "0.002"),
        audio_input_tokens=(1_000, "0.032"),
        output_tokens=(100, "0.0016"),
        audio_output_tokens=(600, "0.0384"),
    ),
    "searches that the provider ran": one(
        sonnet(1_000, 500) | {"anthropic.usage.server_tool_use.web_search_requests": 3},  # 10 a thousand
        "0.0405",
        fresh_input_tokens=(1_000, "0.003"),
        output_tokens=(500, "0.0075"),
        web_searches=(3, "0.03"),
    ),
    "a fee for each request": one(
        chat("perplexity", "sonar", 1_000, 500),
        "0.0135",
        requests=(1, "0.012"),  # 1 and 1 a million, 12 a thousand
        fresh_input_tokens=(1_000, "0.001"),
        output_tokens=(500, "0.0005"),
    ),
    "Azure by its name in the conventions, with a model of its own": one(
        chat("azure.ai.openai", "phi-4", 10_000, 1_000),  # 0.125 and 0.50; sold by Azure, not by OpenAI
        "0.00175",
        fresh_input_tokens=(10_000, "0.00125"),
        output_tokens=(1_000, "0.0005"),
    ),
    "Azure's price of a model of OpenAI, whose batch prices are not Azure's": one(
        chat("azure.ai.openai", "o3-mini", 10_000, 1_000) | {"openai.response.service_tier": "batch"},  # 1.10 and 4.40
        "0.0154",
    ),
    "xAI by its name in the conventions": one(
        chat("x_ai", "grok-4-0709", 10_000, 1_000, cache_read__input_tokens=4_000),  # 3, 0.75 and 15
        "0.036",
        fresh_input_tokens=(6_000, "0.018"),
        cache_read_tokens=(4_000, "0.003"),
        output_tokens=(1_000, "0.015"),
    ),
    "the dated name that answers, not the alias that was asked": one(
        gpt_4o() | {"gen_ai.response.model": "gpt-4o-2024-05-13"},  # 5 and 15
        "0.0125",
    ),
    "reasoning is within the tokens out": one(
        chat("openai", "o3", 1_000, 1_000, reasoning__output_tokens=900),
        "0.01",
        output_tokens=(1_000, "0.008"),
        fresh_input_tokens=(1_000, "0.002"),
    ),
}

CASES = [*MEASURED.items(), *MORE.items()]
TRACES = {name: bytes([number] * 16) for number, (name, _) in enumerate(CASES, 1)}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """One ledger with all cases, a request and a trace each."""
    drafts = [traces(request(case.spans, TRACES[name])) for name, case in CASES]
    with shown(keep(tmp_path_factory.mktemp("cases"), drafts)) as connection:
        yield connection


def check(ledger: duckdb.DuckDBPyConnection, name: str, case: Case) -> None:
    where = f"WHERE trace_id = '{TRACES[name].hex()}'"
    units = "SELECT unit, CAST(sum(quantity) AS BIGINT) AS quantity, sum(cost_usd) AS usd FROM charges"
    found = rows(
        ledger,
        f"{units} {where} GROUP BY unit",
    )
    (call,) = rows(ledger, f"SELECT sum(cost_usd) AS usd, list(DISTINCT cost_status) AS states FROM calls {where}")
    (run,) = rows(ledger, f"SELECT sum(cost_usd) AS usd FROM runs JOIN run_traces USING (run_id) {where}")
    usd = None if case.usd is None else Decimal(case.usd)
    costs = [line["usd"] for line in found if line["usd"] is not None]
    assert (sum(costs, Decimal(0)) if costs else None) == call["usd"] == run["usd"] == usd
    assert call["states"] == ["unpriced" if usd is None else "priced"]
    if case.lines:
        by_hand = {unit: (n, None if cost is None else Decimal(cost)) for unit, (n, cost) in case.lines.items()}
        assert {line["unit"]: (line["quantity"], line["usd"]) for line in found} == by_hand


@pytest.mark.parametrize("name", MEASURED)
def test_cases_on_which_others_were_measured_cost_what_the_bill_says(
    name: str, ledger: duckdb.DuckDBPyConnection
) -> None:
    check(ledger, name, MEASURED[name])


@pytest.mark.parametrize("name", MORE)
def test_tiers_dates_variants_and_fees_cost_what_the_bill_says(name: str, ledger: duckdb.DuckDBPyConnection) -> None:
    check(ledger, name, MORE[name])


def test_all_cases_together_cost_the_sum_of_their_bills(ledger: duckdb.DuckDBPyConnection) -> None:
    everything = sum((Decimal(case.usd) for _, case in CASES if case.usd), Decimal(0))
    tool_fee = Decimal("0.01")
    for view, expected in (
        *((view, everything) for view in ("charges", "calls", "runs", "cost_by_agent")),
        ("cost_by_model", everything - tool_fee),
    ):
        assert rows(ledger, f"SELECT sum(cost_usd) AS usd FROM {view}") == [{"usd": expected}], view
    assert rows(ledger, "SELECT count(*) AS n FROM quarantine") == [{"n": 0}]

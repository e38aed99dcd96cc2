"""Codex and Gemini CLI with traces and logs switched on, made up from their documentation: each call counts once.

2,006 tokens in, of which 1,920 from the cache, and 300 out, of which 192 thoughts. gpt-5 and gemini-2.5-pro cost alike:
86 * 1.25e-6 + 1920 * 0.125e-6 + 300 * 10e-6 = 0.0033475 USD.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_LOGS
from tests.golden.books import keep, rows, traces
from tests.golden.samples import PROTOBUF
from tests.shown import shown

CALL_USD = Decimal("0.0033475")
END_NS = 1_794_000_000 * 10**9 + 250_000_000
"""2026-11-06."""
TRACE = bytes(15) + b"\x01"

CODEX_TURN = {"thread.id": "c1", "turn.id": "t1", "model": "gpt-5"}
CODEX_CALL = {
    "gen_ai.usage.input_tokens": 2006,
    "gen_ai.usage.cache_read.input_tokens": 1920,
    "gen_ai.usage.output_tokens": 300,
    "codex.usage.reasoning_output_tokens": 192,
    "codex.usage.total_tokens": 2306,
}
CODEX_TOKENS = {
    "input_token_count": "2006",
    "output_token_count": "300",
    "cached_token_count": "1920",
    "reasoning_token_count": "192",
    "tool_token_count": "2306",
}
CODEX_LOG = {
    "event.name": "codex.sse_event",
    "event.kind": "response.completed",
    "model": "gpt-5",
    "conversation.id": "c1",
}
GEMINI_CALL = {
    "gen_ai.operation.name": "llm_call",
    "gen_ai.request.model": "gemini-2.5-pro",
    "gen_ai.conversation.id": "s1",
    "gen_ai.usage.input_tokens": 2006,
    "gen_ai.usage.output_tokens": 108,
}
GEMINI_LOG = {
    "event.name": "gemini_cli.api_response",
    "model": "gemini-2.5-pro",
    "session.id": "s1",
    "input_token_count": 2006,
    "output_token_count": 108,
    "thoughts_token_count": 192,
    "cached_content_token_count": 1920,
    "total_token_count": 2306,
}


def said(attributes: dict[str, str | int]) -> list[KeyValue]:
    def value(one: str | int) -> AnyValue:
        return AnyValue(int_value=one) if isinstance(one, int) else AnyValue(string_value=one)

    return [KeyValue(key=key, value=value(one)) for key, one in attributes.items()]


def span(scope: str, name: str, number: int, parent: int | None, attributes: dict[str, str | int]) -> Draft:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(said({"service.name": "cli"}))
    scoped = resource.scope_spans.add()
    scoped.scope.name = scope
    one = scoped.spans.add(name=name, trace_id=TRACE, span_id=number.to_bytes(8, "big"))
    one.parent_span_id = parent.to_bytes(8, "big") if parent else b""
    one.start_time_unix_nano, one.end_time_unix_nano = END_NS - 2 * 10**9, END_NS
    one.attributes.extend(said(attributes))
    return traces(request.SerializeToString())


def record(scope: str, after_ns: int, attributes: dict[str, str | int]) -> Draft:
    """A log record without trace and span."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.extend(said({"service.name": "cli"}))
    scoped = resource.scope_logs.add()
    scoped.scope.name = scope
    scoped.log_records.add(time_unix_nano=END_NS + after_ns).attributes.extend(said(attributes))
    return Draft(kind=OTLP_LOGS, body=request.SerializeToString(), transport="grpc", content_type=PROTOBUF)


CODEX = (
    span("codex_core", "handle_responses", 2, 1, CODEX_CALL),
    span("codex_core", "session_task.turn", 1, None, CODEX_TURN),
    record("codex_otel", 1_000_000, CODEX_LOG | CODEX_TOKENS),
    record("codex_otel", 2_000_000, CODEX_LOG),  # the second of the two that Codex writes for each call
)
GEMINI = (
    span("gemini-cli", "llm_call", 2, None, GEMINI_CALL),
    record("gemini-cli", 3_000_000, GEMINI_LOG),
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_codex_costs_its_calls_once_in_any_order_and_on_its_agent(order: Sequence[int], tmp_path: Path) -> None:
    with shown(keep(tmp_path / "data", [CODEX[at] for at in order])) as books:
        assert rows(books, "SELECT sum(cost_usd) AS usd FROM charges") == [{"usd": CALL_USD}]
        calls = rows(books, "SELECT model, conversation_id, views, input_tokens, output_tokens FROM calls")
        assert calls == [
            {"model": "gpt-5", "conversation_id": "c1", "views": 2, "input_tokens": 2006, "output_tokens": 300}
        ]
        assert rows(books, "SELECT model_calls, cost_usd FROM runs") == [{"model_calls": 1, "cost_usd": CALL_USD}]


def test_codex_spans_alone_name_no_model_so_the_cost_is_unknown_until_a_log_record_names_it(tmp_path: Path) -> None:
    with shown(keep(tmp_path / "data", CODEX[:2])) as books:
        assert rows(books, "SELECT model, cost_usd, cost_status, input_tokens FROM calls") == [
            {"model": None, "cost_usd": None, "cost_status": "unpriced", "input_tokens": 2006}
        ]
        reasons = rows(books, "SELECT DISTINCT reason FROM charges")
        assert [row["reason"].split(";")[0] for row in reasons] == ["no model is named"]


@pytest.mark.parametrize("sent", [GEMINI, GEMINI[::-1]], ids=["span first", "log first"])
def test_gemini_cli_costs_what_its_log_knows_once(sent: Sequence[Draft], tmp_path: Path) -> None:
    with shown(keep(tmp_path / "data", sent)) as books:
        assert rows(books, "SELECT sum(cost_usd) AS usd FROM charges") == [{"usd": CALL_USD}]
        assert rows(books, "SELECT signal, billed FROM call_views ORDER BY ALL") == [
            {"signal": "log", "billed": True},
            {"signal": "span", "billed": False},
        ]


@pytest.mark.parametrize(("sent", "views"), [(CODEX[2:], 1), (GEMINI[1:], 1)], ids=["codex", "gemini"])
def test_logs_alone_cost_the_same(sent: Sequence[Draft], views: int, tmp_path: Path) -> None:
    with shown(keep(tmp_path / "data", sent)) as books:
        assert rows(books, "SELECT sum(cost_usd) AS usd FROM charges") == [{"usd": CALL_USD}]
        assert rows(books, "SELECT views FROM calls") == [{"views": views}]

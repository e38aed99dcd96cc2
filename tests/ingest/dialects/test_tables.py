"""Which dialect reads a span, and the tables themselves: complete, documented, and true about what holds them."""

import importlib
from pathlib import Path

import pytest

from ingest.decode import decode
from ingest.dialects import DIALECTS, reference
from ingest.dialects.dialect import CHECKS, MODEL_OPERATIONS, TARGETS, Kind
from ledger.schema import SPANS
from tests.ingest.decode.made import event, request
from tests.ingest.dialects.one_span import CHAT, read

SAMPLES = Path(__file__).parents[3] / "sample_traces"
DIALECTS_OF_SAMPLES = {
    str(path.relative_to(SAMPLES)).removesuffix(".traces.binpb"): {
        row["dialect"] for row in decode([event(path.read_bytes())]).spans.to_pylist()
    }
    for path in SAMPLES.glob("*/*.traces.binpb")
}


@pytest.mark.parametrize(
    ("scope", "attributes", "dialect"),
    [
        ("openinference.instrumentation.openai", {"gen_ai.system": "openai"}, "openinference"),
        ("strands.telemetry.tracer", {"gen_ai.provider.name": "openai"}, "strands"),
        ("com.anthropic.sdk.typescript", {}, "anthropic_sdk"),
        ("com.anthropic.sdk.python.bedrock", {}, "anthropic_sdk"),
        ("com.anthropic.claude-platform", {}, "claude_platform"),
        ("com.anthropic.claude_code.tracing", {}, "claude_code"),
        ("com.anthropic.claude_codes", {}, "none"),
        ("gen_ai", {}, "vercel"),
        ("gen_ai_tools", {}, "none"),
        ("ai", {}, "vercel_legacy"),
        ("opentelemetry.instrumentation.openai.v1", {}, "openllmetry"),
        ("opentelemetry.instrumentation.openai_v2", {}, "otel_genai_legacy"),
        ("opentelemetry.instrumentation.openai_agents", {}, "openllmetry"),
        ("opentelemetry.instrumentation.genai.openai_agents", {}, "openai_agents"),
        ("opentelemetry.instrumentation.genai.langchain", {}, "langgraph"),
        ("opentelemetry.instrumentation.genai.openai", {}, "otel_genai"),
        ("opentelemetry.instrumentation.requests", {"http.request.method": "GET"}, "none"),
        ("semantic_kernel.utils.telemetry.model_diagnostics.decorators", {}, "semantic_kernel"),
        ("agent_runtime InProcessRuntime", {}, "semantic_kernel"),
        ("autogen SingleThreadedAgentRuntime", {}, "autogen"),
        ("Microsoft.SemanticKernel.Diagnostics", {}, "semantic_kernel"),
        ("gcp.vertex.agent", {}, "google_adk"),
        ("codex_exec", {}, "codex"),
        ("gemini-cli", {}, "gemini_cli"),
        ("crewai.telemetry", {}, "crewai"),
        ("langsmith", {}, "langsmith"),
        ("langfuse-sdk", {}, "langfuse"),
        ("logfire.openai", {}, "pydantic_ai"),
        ("app", {"traceloop.workflow.name": "w", "gen_ai.system": "openai"}, "openllmetry"),
        ("app", {"ai.operationId": "ai.embed"}, "vercel_legacy"),
        ("app", {"copilot_chat.turn_count": 4, "gen_ai.operation.name": "invoke_agent"}, "copilot"),
        ("app", {"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool"}, "mcp"),
        ("app", {"litellm.call_id": "x", "gen_ai.operation.name": "chat"}, "litellm"),
        ("app", {"langsmith.span.kind": "llm", "gen_ai.system": "openai"}, "langsmith"),
        ("app", {"openinference.span.kind": "LLM", "gen_ai.operation.name": "acompletion"}, "openinference"),
        ("app", {"gen_ai.system": "openai", "gen_ai.operation.name": "chat"}, "otel_genai_legacy"),
        ("app", {"gen_ai.operation.name": "chat"}, "otel_genai"),
        ("app", {"http.request.method": "GET"}, "none"),
    ],
)
def test_scope_goes_before_marks_and_marks_go_by_precedence(scope, attributes, dialect):
    assert read(attributes, scope)["dialect"] == dialect


def test_spans_of_several_dialects_in_one_request_do_not_mix():
    made = request(
        {"attributes": {"openinference.span.kind": "LLM", "llm.token_count.prompt": 7, "gen_ai.usage.input_tokens": 1}},
        {"attributes": {**CHAT, "llm.token_count.prompt": 7, "gen_ai.usage.input_tokens": 8}},
        {"attributes": {"llm.token_count.prompt": 7, "gen_ai.usage.input_tokens": 8}},
    )
    rows = decode([event(made.SerializeToString())]).spans.to_pylist()
    assert [(row["dialect"], row["input_tokens"]) for row in rows] == [
        ("openinference", 7),
        ("otel_genai", 8),
        ("none", None),
    ]


def test_targets_are_columns_of_spans():
    assert set(TARGETS) - CHECKS <= {column.name for column in SPANS}


def test_counts_and_nothing_else_are_whole_numbers():
    whole = {column.name for column in SPANS if str(column.type) == "int64"} - {"start_ns", "end_ns"}
    counts = {target for target, kind in TARGETS.items() if kind is Kind.COUNT} - CHECKS
    of_content = {"input_digest", "output_bytes"}  # which no dialect names; ingest/decode/content.py makes them
    assert whole - {"received_ns", "source_seq"} - of_content == counts


def test_names_of_dialects_are_unique_and_the_last_takes_everything():
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)
    assert (DIALECTS[-1].scopes, DIALECTS[-1].marks) == ((), ())


@pytest.mark.parametrize("dialect", DIALECTS[:-1], ids=lambda dialect: dialect.name)
def test_a_dialect_says_how_it_is_recognised_where_it_is_written_down_and_what_a_call_is(dialect):
    assert dialect.scopes or dialect.marks
    assert dialect.reference.startswith("https://")
    assert MODEL_OPERATIONS & set(dialect.operations.values())
    assert {"operation", "provider", "request_model", "input_tokens", "output_tokens"} <= set(dialect.fields)
    for sources in dialect.fields.values():
        assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("dialect", DIALECTS[:-1], ids=lambda dialect: dialect.name)
def test_a_dialect_has_a_file_of_its_name_that_says_truly_whether_a_capture_holds_it(dialect):
    held = {name for name, read_by in DIALECTS_OF_SAMPLES.items() if dialect.name in read_by}
    assert set(dialect.captures) == held
    says = importlib.import_module(f"ingest.dialects.{dialect.name}").__doc__
    assert ("eld by" in says, "documentation" in says or bool(held)) == (bool(held), True)


def test_the_reference_shows_the_tables_as_they_are():
    page = Path(__file__).parents[3] / "docs" / "reference" / "dialects.md"
    assert page.read_text().split("<!-- tables -->\n")[1] == reference.tables()

"""What each dialect of logs makes of its events. Tokens and costs of the captures are the fake provider's."""

from decimal import Decimal
from pathlib import Path

import pytest

from ingest.decode import decode
from ingest.dialects.logs import LOG_DIALECTS, reference
from tests.ingest.decode.made import SAMPLES
from tests.ingest.decode.made_logs import CAPTURES, logs_event, only

SAID = ("operation", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def captured(name):
    return decode([logs_event(CAPTURES[name].read_bytes())]).logs.to_pylist()


def said(row):
    return tuple(row[name] for name in SAID)


def test_claude_codes_requests_count_the_cache_apart_and_state_their_cost():
    calls = [row for row in captured("claude_code") if row["event_name"] == "api_request"]
    # 21 fresh + 1800 read + 188 written = 2009
    assert [said(row) for row in calls] == [("chat", 2009, 393, 1800, 188, None)] * 2
    assert {(row["reported_cost_usd"], row["input_basis"]) for row in calls} == {(Decimal("0.007401"), "exclusive")}
    assert [row["duration_ns"] for row in calls] == [141_000_000, 127_000_000]
    assert all(row["response_id"].startswith("req_") for row in calls)
    assert {row["provider"] for row in calls} == {"anthropic"}


def test_claude_codes_other_events_are_no_calls_but_the_result_of_a_tool():
    operations = {row["event_name"]: row["operation"] for row in captured("claude_code")}
    assert operations == {
        "user_prompt": "other",
        "tool_decision": "other",
        "tool_result": "tool",
        "api_request": "chat",
        "assistant_response": "other",
    }
    (result,) = (row for row in captured("claude_code") if row["operation"] == "tool")
    assert (result["tool_name"], result["tool_call_id"], result["status"]) == ("Bash", "toolu_01", "unset")
    assert result["input"] == '{"command":"echo hello-from-agent","description":"say hello"}'


CLAUDE = "com.anthropic.claude_code.events"


def test_claude_codes_errors_are_failed_calls():
    row = only(
        {"attributes": {"event.name": "api_error", "model": "claude-sonnet-4-5", "status_code": "529"}}, scope=CLAUDE
    )
    assert (row["operation"], row["status"], row["error_type"], row["usage_status"]) == (
        "chat",
        "error",
        "529",
        "failed",
    )
    row = only({"attributes": {"event.name": "tool_result", "tool_name": "Bash", "success": "false"}}, scope=CLAUDE)
    assert (row["operation"], row["status"]) == ("tool", "error")


def test_claude_codes_raw_bodies_are_no_calls():
    assert (
        only({"attributes": {"event.name": "api_request_body", "model": "claude-x"}}, scope=CLAUDE)["operation"]
        == "other"
    )


CODEX_TOKENS = {
    "input_token_count": "2006",
    "output_token_count": "300",
    "cached_token_count": "1920",
    "reasoning_token_count": "192",
    "tool_token_count": "2306",
}
CODEX = {"event.name": "codex.sse_event", "event.kind": "response.completed", "model": "gpt-5", "conversation.id": "c1"}


def test_codex_writes_tokens_as_text_and_only_one_of_two_events_has_them():
    row = only({"attributes": {**CODEX, **CODEX_TOKENS, "duration_ms": "250"}})
    assert (row["dialect"], *said(row)) == ("codex", "chat", 2006, 300, 1920, None, 192)
    assert (row["input_basis"], row["conversation_id"], row["request_model"]) == ("inclusive", "c1", "gpt-5")
    assert row["duration_ns"] == 250_000_000
    other = only({"attributes": CODEX})
    assert (other["operation"], other["usage_status"]) == ("other", "not_applicable")


@pytest.mark.parametrize(
    ("event", "operation"),
    [
        ("codex.tool_result", "tool"),
        ("codex.tool_decision", "other"),
        ("codex.api_request", "other"),
        ("codex.user_prompt", "other"),
    ],
)
def test_codexs_other_events(event, operation):
    row = only({"attributes": {"event.name": event, "tool_name": "shell", "call_id": "x"}})
    assert (row["operation"], row["tool_call_id"]) == (operation, "x")


def test_gemini_leaves_thoughts_out_of_its_output():
    counts = {"input_token_count": 2006, "output_token_count": 108, "thoughts_token_count": 192}
    counts |= {"cached_content_token_count": 1920, "total_token_count": 2306}
    attributes = {"event.name": "gemini_cli.api_response", "model": "gemini-2.5-pro", "session.id": "s", **counts}
    row = only({"attributes": attributes}, scope="gemini-cli")
    assert (row["dialect"], *said(row)) == ("gemini_cli", "chat", 2006, 300, 1920, None, 192)  # 108 + 192
    assert (row["conversation_id"], row["provider"]) == ("s", "gcp.gemini")


@pytest.mark.parametrize(
    ("event", "operation", "status"),
    [
        ("gemini_cli.api_error", "chat", "error"),
        ("gemini_cli.tool_call", "tool", "unset"),
        ("gemini_cli.api_request", "other", "unset"),
    ],
)
def test_geminis_other_events(event, operation, status):
    row = only({"attributes": {"event.name": event, "function_name": "f", "model": "gemini-2.5-pro"}})
    assert (row["operation"], row["status"]) == (operation, status)


def test_details_of_an_inference_say_what_its_span_does():
    first, *_, failed, last = captured("otel_genai_openai_content")
    assert said(first) == ("chat", 2006, 300, 1920, None, 192)
    assert (first["request_model"], first["response_model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    assert first["input"].startswith('[{"role":"system","parts":[{"content":"You are terse."')
    assert first["output"].startswith('[{"role":"assistant"')
    assert (failed["status"], failed["usage_status"]) == ("error", "failed")
    assert last["response_id"].startswith("resp_")


def test_of_older_events_the_body_is_content():
    rows = captured("ms_agent_framework")
    assert [row["input"] for row in rows][:2] == ['{"content":"terse"}', '{"content":"Weather in Paris?"}']
    choice = rows[-1]
    assert choice["event_name"] == "gen_ai.choice"
    assert choice["output"] == '{"index":0,"finish_reason":"stop","message":{"content":"Paris is rainy, 57F."}}'
    assert (choice["input"], choice["body"], choice["operation"]) == (None, None, "other")


def test_a_log_of_no_known_convention_reports_no_call():
    row = only(
        {"severity_number": 17, "body": "boom", "attributes": {"model": "gpt-5", "input_tokens": 5, "tool_name": "t"}}
    )
    assert (row["dialect"], row["operation"], row["status"], row["input_tokens"]) == ("none", "other", "error", None)


def test_an_event_wins_over_a_scope_and_a_scope_over_marks():
    assert only({"event_name": "gemini_cli.x"}, scope="codex_exec")["dialect"] == "gemini_cli"
    marked = {"attributes": {"gen_ai.provider.name": "openai"}}
    assert only(marked, scope="codex_exec")["dialect"] == "codex"
    assert only(marked)["dialect"] == "otel_genai"


@pytest.mark.parametrize("value", ["-1", "1.5", "x", 2**62, True, 1e300])
def test_a_duration_that_is_none_is_unknown(value):
    assert only({"event_name": "codex.x", "attributes": {"duration_ms": value}})["duration_ns"] is None


@pytest.mark.parametrize("dialect", LOG_DIALECTS, ids=lambda one: one.name)
def test_every_dialect_that_names_captures_reads_them(dialect):
    for name in dialect.captures:
        assert dialect.name in {
            row["dialect"]
            for row in decode([logs_event((SAMPLES / f"{name}.logs.binpb").read_bytes())]).logs.to_pylist()
        }


def test_the_reference_shows_the_tables_as_they_are():
    page = Path(__file__).parents[3] / "docs" / "reference" / "log-dialects.md"
    assert page.read_text().split("<!-- tables -->\n")[1] == reference.tables()

"""The samples, span by span, against numbers worked out by hand.

Every emitter was driven against the same fake provider (sample_traces/README.md): an OpenAI call takes 2006 tokens in,
1920 of them cache reads, and 300 out, 192 of them reasoning; an embedding 9 in; an Anthropic call 2009 in, of them
1800 cache reads and 188 cache writes (100 for 5 minutes, 88 for 1 hour), and 393 out.
"""

from collections import Counter
from decimal import Decimal

import pytest

from ingest.decode import decode
from tests.ingest.decode.made import capture, event

OPENAI = {"input_tokens": 2006, "output_tokens": 300, "cache_read_tokens": 1920, "reasoning_tokens": 192}
OPENAI_NO_REASONING = {**OPENAI, "reasoning_tokens": None}
OPENAI_BARE = {"input_tokens": 2006, "output_tokens": 300, "cache_read_tokens": None, "reasoning_tokens": None}
EMBEDDING = {"input_tokens": 9, "output_tokens": None, "cache_read_tokens": None}
ANTHROPIC_BARE = {"input_tokens": 2009, "output_tokens": 393, "cache_read_tokens": 1800, "cache_write_tokens": 188}
ANTHROPIC = {**ANTHROPIC_BARE, "cache_write_5m_tokens": 100, "cache_write_1h_tokens": 88}
EMBEDDING_NO_CACHE = {**EMBEDDING, "cache_read_tokens": 0}
UNKNOWN = {"input_tokens": None, "output_tokens": None}

MODEL_CALLS = {
    # sample -> dialect of the model spans -> how often each usage.
    "anthropic_sdk_native": {"anthropic_sdk": [(4, ANTHROPIC)]},
    "langgraph_otel_genai": {"langgraph": [(2, OPENAI), (1, UNKNOWN)]},
    "litellm_otel_v2": {"litellm": [(1, OPENAI_NO_REASONING), (1, ANTHROPIC_BARE), (2, UNKNOWN)]},
    "ms_agent_framework": {"ms_agent_framework": [(2, OPENAI)]},
    "openai_agents_otel_genai": {},
    "otel_genai_openai": {"otel_genai": [(5, OPENAI), (1, EMBEDDING), (2, UNKNOWN)]},
    "otel_genai_openai_content": {"otel_genai": [(5, OPENAI), (1, EMBEDDING), (2, UNKNOWN)]},
    "vercel_ai_otel": {"vercel": [(3, OPENAI_NO_REASONING), (1, EMBEDDING), (1, UNKNOWN)]},
    "openai_v2_default": {"otel_genai_legacy": [(4, OPENAI_BARE), (1, EMBEDDING), (2, UNKNOWN)]},
    "strands_default": {"strands": [(2, OPENAI_NO_REASONING)]},
    "openinference_openai": {"openinference": [(5, OPENAI), (1, EMBEDDING), (2, UNKNOWN)]},
    "openinference_anthropic": {"openinference": [(4, ANTHROPIC_BARE)], "anthropic_sdk": [(4, ANTHROPIC)]},
    "openai_agents_openinference": {"openinference": [(4, OPENAI)]},
    "langgraph_openinference": {"openinference": [(2, OPENAI), (1, UNKNOWN)]},
    "crewai_openinference": {},
    "openllmetry_openai": {
        "openllmetry": [(4, OPENAI), (1, OPENAI_NO_REASONING), (1, EMBEDDING_NO_CACHE), (2, UNKNOWN)]
    },
    "langgraph_openllmetry": {"openllmetry": [(2, OPENAI_NO_REASONING), (1, UNKNOWN)]},
    "openai_agents_openllmetry": {"openllmetry": [(4, OPENAI)]},
    "traceloop_sdk": {"openllmetry": [(1, OPENAI)]},
    "claude_code": {"claude_code": [(2, ANTHROPIC_BARE)]},
    "langfuse_sdk": {
        "langfuse": [
            (1, OPENAI),
            (1, {"input_tokens": 1821, "output_tokens": 393, "cache_read_tokens": 1800}),  # 21 fresh
        ]
    },
    "pydantic_ai": {
        "pydantic_ai": [
            (2, OPENAI),
            (2, ANTHROPIC),  # the 5 minutes are 188 - 88
            (1, {"input_tokens": 52, "output_tokens": 5}),
            (1, {"input_tokens": 51, "output_tokens": 2}),
            (1, {"input_tokens": 54, "output_tokens": 10}),
        ],
        "anthropic_sdk": [(2, ANTHROPIC)],  # beneath
    },
}
EXCLUSIVE = {("claude_code", 2009), ("langfuse", 1821)}
"""(dialect, input) of the calls whose input was sent without the cache."""

AGENTS = {
    "langgraph_otel_genai": {"weather_agent"},
    "ms_agent_framework": {"weather_agent"},
    "openai_agents_otel_genai": {"weather_agent", "triage"},
    "vercel_ai_otel": {"weather-fn"},
    "strands_default": {"weather_agent"},
    "openai_agents_openinference": {"weather_agent", "triage", "incident-42"},
    "langgraph_openinference": {"weather_agent"},
    "crewai_openinference": {"weather analyst"},
    "pydantic_ai": {"weather_agent", "router_agent", "sub_agent", "claude_agent"},
    "langgraph_openllmetry": {"weather_agent"},
    "openai_agents_openllmetry": {"weather_agent", "triage"},
    "traceloop_sdk": {"weather_agent"},
    "claude_code": {None},  # its service is its name
    "langfuse_sdk": {"weather_agent"},
}

OPERATIONS = {
    "openai_agents_openinference": {"agent": 4, "chain": 6, "chat": 4, "tool": 1, "handoff": 1},
    "openai_agents_otel_genai": {"agent": 3, "tool": 1, "workflow": 1},
    "vercel_ai_otel": {"chat": 3, "tool": 1, "chain": 3, "agent": 2, "embeddings": 2},
    "strands_default": {"chat": 2, "tool": 1, "chain": 2, "agent": 1},
    "crewai_openinference": {"tool": 1, "agent": 1, "chain": 1},
    "anthropic_sdk_native": {"chat": 4, "other": 1},
    "otel_genai_openai": {"chat": 7, "embeddings": 1, "other": 1},
    "langgraph_openllmetry": {"chat": 3, "chain": 3, "tool": 1, "agent": 2, "definition": 1},
    "openai_agents_openllmetry": {"chat": 4, "tool": 1, "handoff": 1, "agent": 3, "workflow": 1},
    "traceloop_sdk": {"chat": 1, "tool": 1, "agent": 1, "workflow": 1},
    "claude_code": {"agent": 1, "chat": 2, "tool": 1, "other": 2},  # the tool's wait and execution are no tools
    "langfuse_sdk": {"agent": 1, "chat": 2, "tool": 1},
    "litellm_otel_v2": {"chat": 4},
}


def rows(name):
    return decode([event(capture(name))]).spans.to_pylist()


@pytest.mark.parametrize("name", MODEL_CALLS)
def test_usage_of_every_model_span(name):
    spans = [row for row in rows(name) if row["usage_status"] != "not_applicable"]
    expected = [
        (dialect, usage) for dialect, usages in MODEL_CALLS[name].items() for n, usage in usages for _ in range(n)
    ]
    assert len(spans) == len(expected)
    for dialect, usage in expected:
        span = next(row for row in spans if row["dialect"] == dialect and usage.items() <= row.items())
        spans.remove(span)
        assert span["usage_status"] == (
            "reported" if usage != UNKNOWN else "failed" if span["status"] == "error" else "missing"
        )
        basis = "exclusive" if (dialect, usage["input_tokens"]) in EXCLUSIVE else "inclusive"
        assert span["input_basis"] == (basis if usage != UNKNOWN else None)
        assert span["provider"] in ("openai", "anthropic", "test")


@pytest.mark.parametrize("name", AGENTS)
def test_agents_are_named(name):
    assert {row["agent_name"] for row in rows(name) if row["operation"] == "agent"} == AGENTS[name]


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_of_every_span(name):
    assert Counter(row["operation"] for row in rows(name)) == OPERATIONS[name]


@pytest.mark.parametrize(
    "name",
    [
        *("langgraph_otel_genai", "openai_agents_openinference", "strands_default", "crewai_openinference"),
        *("pydantic_ai", "langgraph_openllmetry", "openai_agents_openllmetry", "traceloop_sdk", "langfuse_sdk"),
    ],
)
def test_tools_are_named(name):
    tools = {row["tool_name"] for row in rows(name) if row["operation"] == "tool"}
    assert tools in ({"get_weather"}, {"get_weather", "delegate"})


def test_models_and_response_ids_of_openinference():
    spans = [row for row in rows("openinference_openai") if row["operation"] == "chat"]
    assert [row["response_id"] for row in spans] == [
        "chatcmpl-fake1795336929217111",
        "chatcmpl-fake1795336929325229",
        None,  # a stream's output is put together by the instrumentation and has no id
        None,
        "chatcmpl-fake1795336929733332",
        None,  # failed
        "resp_1795336930307495",
    ]
    assert spans[0]["request_model"] == "gpt-4o-mini-2024-07-18"
    assert spans[5]["request_model"] == "bad-model"  # only in llm.invocation_parameters
    assert {row["team"] for row in spans} == {"search"}  # from the JSON in `metadata`
    assert {(row["user_id"], row["conversation_id"]) for row in spans} == {("user-1", "sess-1")}


def test_response_ids_meet_where_two_libraries_saw_one_call():
    spans = rows("openinference_anthropic")
    ids = {row["dialect"]: set() for row in spans}
    for row in spans:
        ids[row["dialect"]].add(row["response_id"])
    assert ids["openinference"] == ids["anthropic_sdk"]
    assert len(ids["openinference"]) == 4


def test_reported_costs_are_exact_and_name_their_source():
    costs = [(row["reported_source"], row["reported_cost_usd"]) for row in rows("litellm_otel_v2")]
    assert costs == [("litellm.cost.total", Decimal(usd)) for usd in ("0.0003369", "0.007401", "0", "0")]
    costs = {(row["reported_source"], row["reported_cost_usd"]) for row in rows("pydantic_ai")}
    expected = [(None, None), ("operation.cost", Decimal("0.0003369")), ("operation.cost", Decimal("0.007401"))]
    assert costs == set(expected)


def test_the_cost_of_langfuse_is_the_total_of_its_object():
    costs = {(row["reported_source"], row["reported_cost_usd"]) for row in rows("langfuse_sdk")}
    assert costs == {(None, None), ("langfuse.observation.cost_details", Decimal("0.006"))}


def test_who_ran_it_is_read_whatever_the_dialect_calls_it():
    keys = ("user_id", "conversation_id", "team", "environment")
    seen = {name: {tuple(row[key] for key in keys) for row in rows(name)} for name in ("langfuse_sdk", "traceloop_sdk")}
    assert seen == {
        "langfuse_sdk": {("u-1", "s-1", "search", "staging")},  # the team comes in quotes
        "traceloop_sdk": {("u-7", "s-9", "search", "")},
    }
    (session,) = {row["conversation_id"] for row in rows("claude_code")}
    assert session == "c05f1967-f87d-4a84-8099-cdbd8ac7a9b0"
    assert {row["team"] for row in rows("claude_code")} == {"search"}


def test_claude_code_names_its_tool_and_its_requests():
    spans = rows("claude_code")
    (tool,) = [row for row in spans if row["operation"] == "tool"]
    assert (tool["tool_name"], tool["tool_call_id"], tool["input"]) == ("Bash", "toolu_01", "echo hello-from-agent")
    chats = [row for row in spans if row["operation"] == "chat"]
    assert {row["response_id"] for row in chats} == {"req_011fake1795337806429137", "req_011fake1795337806568668"}
    assert {(row["provider"], row["request_model"], row["service_tier"]) for row in chats} == {
        ("anthropic", "claude-sonnet-4-5", None)
    }


def test_who_paid_is_read_from_the_gateway():
    for row in rows("litellm_otel_v2"):
        assert (row["user_id"], row["team"], row["credential"]) == ("eu-3", "search", "prod-key")
        assert row["conversation_id"] == "sess-1"


def test_a_framework_is_no_provider():
    spans = [row for row in rows("strands_default") if row["operation"] == "chat"]
    assert {row["provider"] for row in spans} == {"openai"}  # gen_ai.system says strands-agents, the model gpt-4o-mini


def test_content_goes_to_input_and_output_and_nothing_else_does():
    tool = next(row for row in rows("pydantic_ai") if row["tool_name"] == "get_weather")
    assert (tool["input"], tool["output"]) == ('{"city":"Paris"}', "rainy")
    keys = dict(tool["attributes"])
    assert "gen_ai.tool.call.arguments" not in keys
    assert keys["gen_ai.agent.call.id"]
    chat = next(row for row in rows("openinference_openai") if row["operation"] == "chat")
    assert chat["input"].startswith('{"model": "gpt-4o-mini"')
    assert chat["output"].startswith('{"id":"chatcmpl-')
    assert dict(chat["attributes"])["llm.input_messages.0.message.content"] == "You are terse."


def test_the_tier_that_answered_is_kept():
    assert {row["service_tier"] for row in rows("anthropic_sdk_native") if row["operation"] == "chat"} == {"standard"}

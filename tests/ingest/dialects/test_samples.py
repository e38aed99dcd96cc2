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
UNKNOWN = {"input_tokens": None, "output_tokens": None}

MODEL_CALLS = {
    # sample -> dialect of the model spans -> how often each usage.
    "anthropic_sdk_native": {"otel_genai": [(4, ANTHROPIC)]},
    "langgraph_otel_genai": {"otel_genai": [(2, OPENAI), (1, UNKNOWN)]},
    "litellm_otel_v2": {"otel_genai": [(1, OPENAI_NO_REASONING), (1, ANTHROPIC_BARE), (2, UNKNOWN)]},
    "ms_agent_framework": {"otel_genai": [(2, OPENAI)]},
    "openai_agents_otel_genai": {},
    "otel_genai_openai": {"otel_genai": [(5, OPENAI), (1, EMBEDDING), (2, UNKNOWN)]},
    "otel_genai_openai_content": {"otel_genai": [(5, OPENAI), (1, EMBEDDING), (2, UNKNOWN)]},
    "vercel_ai_otel": {"otel_genai": [(3, OPENAI_NO_REASONING), (1, EMBEDDING), (1, UNKNOWN)]},
    "openai_v2_default": {"otel_genai_legacy": [(4, OPENAI_BARE), (1, EMBEDDING), (2, UNKNOWN)]},
    "strands_default": {"otel_genai_legacy": [(2, OPENAI_NO_REASONING)]},
    "openinference_openai": {"openinference": [(5, OPENAI), (1, EMBEDDING), (2, UNKNOWN)]},
    "openinference_anthropic": {"openinference": [(4, ANTHROPIC_BARE)], "otel_genai": [(4, ANTHROPIC)]},
    "openai_agents_openinference": {"openinference": [(4, OPENAI)]},
    "langgraph_openinference": {"openinference": [(2, OPENAI), (1, UNKNOWN)]},
    "crewai_openinference": {},
    "pydantic_ai": {
        "otel_genai": [
            (2, OPENAI),
            (2, ANTHROPIC),  # Pydantic AI's own: the 5 minutes are 188 - 88
            (2, ANTHROPIC),  # the Anthropic SDK's, beneath
            (1, {"input_tokens": 52, "output_tokens": 5}),
            (1, {"input_tokens": 51, "output_tokens": 2}),
            (1, {"input_tokens": 54, "output_tokens": 10}),
        ]
    },
}

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
}

OPERATIONS = {
    "openai_agents_openinference": {"agent": 4, "chain": 6, "chat": 4, "tool": 1, "handoff": 1},
    "openai_agents_otel_genai": {"agent": 3, "tool": 1, "workflow": 1},
    "vercel_ai_otel": {"chat": 3, "tool": 1, "chain": 3, "agent": 2, "embeddings": 2},
    "strands_default": {"chat": 2, "tool": 1, "chain": 2, "agent": 1},
    "crewai_openinference": {"tool": 1, "agent": 1, "chain": 1},
    "anthropic_sdk_native": {"chat": 4, "other": 1},
    "otel_genai_openai": {"chat": 7, "embeddings": 1, "other": 1},
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
        assert span["input_basis"] == ("inclusive" if usage != UNKNOWN else None)
        assert span["provider"] in ("openai", "anthropic", "test")


@pytest.mark.parametrize("name", AGENTS)
def test_agents_are_named(name):
    assert {row["agent_name"] for row in rows(name) if row["operation"] == "agent"} == AGENTS[name]


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_of_every_span(name):
    assert Counter(row["operation"] for row in rows(name)) == OPERATIONS[name]


@pytest.mark.parametrize(
    "name",
    ["langgraph_otel_genai", "openai_agents_openinference", "strands_default", "crewai_openinference", "pydantic_ai"],
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
    assert ids["openinference"] == ids["otel_genai"]
    assert len(ids["openinference"]) == 4


def test_reported_costs_are_exact_and_name_their_source():
    costs = [(row["reported_source"], row["reported_cost_usd"]) for row in rows("litellm_otel_v2")]
    assert costs == [("litellm.cost.total", Decimal(usd)) for usd in ("0.0003369", "0.007401", "0", "0")]
    costs = {(row["reported_source"], row["reported_cost_usd"]) for row in rows("pydantic_ai")}
    expected = [(None, None), ("operation.cost", Decimal("0.0003369")), ("operation.cost", Decimal("0.007401"))]
    assert costs == set(expected)


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

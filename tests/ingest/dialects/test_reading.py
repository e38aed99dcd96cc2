"""The tables at work on made-up spans: which dialect, which source, which count, and what is not believed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dialects import canonical
from tests.ingest.dialects.one_span import CHAT, read


def usage(**counts):
    """The row of a chat with these gen_ai.usage counts."""
    names = {
        "input": "input_tokens",
        "output": "output_tokens",
        "total": "total_tokens",
        "read": "cache_read.input_tokens",
        "write": "cache_write.input_tokens",
        "reasoning": "reasoning.output_tokens",
    }
    return read({**CHAT, **{f"gen_ai.usage.{names[name]}": count for name, count in counts.items()}})


# Which source


def test_the_first_source_that_says_something_counts():
    row = read({**CHAT, "openai.response.service_tier": "", "gen_ai.openai.response.service_tier": "Flex"})
    assert row["service_tier"] == "flex"
    assert read({**CHAT, "openai.request.service_tier": "auto"})["service_tier"] is None


def test_an_unknown_operation_is_guessed_from_the_rest():
    assert read({"gen_ai.operation.name": "strange", "gen_ai.tool.name": "f"})["operation"] == "tool"
    strange = {"gen_ai.operation.name": "strange", "gen_ai.request.model": "gpt-4o"}
    assert read(strange)["operation"] == "other"
    assert read({**strange, "gen_ai.usage.input_tokens": 7})["operation"] == "chat"


@pytest.mark.parametrize(
    ("attributes", "operation"),
    [
        ({"gen_ai.operation.name": "create_agent"}, "definition"),
        ({"gen_ai.operation.name": "Chat"}, "chat"),
        ({"mcp.method.name": "tools/call"}, "tool"),
        ({"mcp.method.name": "tools/list"}, "transport"),
        ({"openinference.span.kind": "RERANKER"}, "rerank"),
        ({"openinference.span.kind": "PROMPT"}, "other"),
    ],
)
def test_operations_by_table(attributes, operation):
    assert read(attributes)["operation"] == operation


def test_a_span_name_stands_in_for_a_missing_name():
    tool = {"gen_ai.operation.name": "execute_tool"}
    assert read(tool, name="execute_tool P-get_weather")["tool_name"] == "P-get_weather"
    assert read(tool, name="something else")["tool_name"] is None
    agent = {"openinference.span.kind": "AGENT"}
    assert read(agent, name="planner")["agent_name"] == "planner"
    assert read({**agent, "graph.node.id": "node"}, name="planner")["agent_name"] == "node"
    assert read({**agent, "agent.name": "given", "graph.node.id": "node"}, name="planner")["agent_name"] == "given"
    assert read({"openinference.span.kind": "CHAIN", "graph.node.id": "node"}, name="x")["agent_name"] is None


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({"gen_ai.provider.name": "openai.chat"}, "openai"),
        ({"gen_ai.provider.name": "Azure_OpenAI"}, "azure.ai.openai"),
        ({"gen_ai.provider.name": "microsoft.agent_framework"}, None),
        ({"gen_ai.provider.name": "langchain", "server.address": "https://api.anthropic.com/v1"}, "anthropic"),
        ({"gen_ai.provider.name": "langchain", "gen_ai.request.model": "claude-sonnet-4-5"}, "anthropic"),
        ({"gen_ai.system": "vertex_ai"}, "gcp.vertex_ai"),
        ({"gen_ai.system": "az.ai.openai"}, "azure.ai.openai"),
        ({"gen_ai.operation.name": "chat", "server.address": "eu.openai.azure.com:443"}, "azure.ai.openai"),
        ({"gen_ai.operation.name": "chat", "server.address": "notapi.openai.com.evil.example"}, None),
        ({"gen_ai.provider.name": "my-own-gateway"}, "my-own-gateway"),
    ],
)
def test_providers_are_canonical_and_frameworks_are_none(attributes, provider):
    assert read(attributes)["provider"] == provider


def test_the_resource_says_what_the_span_does_not():
    resource = {
        "service.name": "shop",
        "deployment.environment": "prod",
        "team": "core",
        "user.id": "u0",
        "session.id": "s0",
        "spanledger.run.id": "r0",
    }
    row = read({"user.id": "u1", "spanledger.run.id": "r1"}, resource=resource)
    assert (row["service_name"], row["environment"], row["team"], row["conversation_id"]) == (
        "shop",
        "prod",
        "core",
        "s0",
    )
    assert (row["user_id"], row["run_key"]) == ("u1", "r1")
    assert read({}, resource=resource)["run_key"] == "r0"
    bare = read({}, resource={"x": "y"})
    assert (bare["service_name"], bare["environment"], bare["run_key"]) == ("unknown_service", "", None)


def test_a_key_never_becomes_a_credential():
    secret = read({"metadata.user_api_key_alias": "sk-proj-abcdef", "metadata.user_api_key_hash": "88dc28d0f0"})
    assert secret["credential"] == "88dc28d0f0"


def test_a_response_id_inside_the_output_counts_for_model_spans_only():
    output = '{"id":"msg_1","content":[]}'
    assert read({"openinference.span.kind": "LLM", "output.value": output})["response_id"] == "msg_1"
    assert read({"openinference.span.kind": "TOOL", "output.value": output})["response_id"] is None
    late = '{"choices":[],"id":"msg_1"}'
    assert read({"openinference.span.kind": "LLM", "output.value": late})["response_id"] is None


# Counts


def test_input_that_includes_the_cache_stays():
    row = usage(input=2009, output=393, read=1800, write=188, total=2402)
    assert (row["input_tokens"], row["input_basis"]) == (2009, "inclusive")


@pytest.mark.parametrize("total", [{}, {"total": 2402}])
def test_input_without_the_cache_is_made_inclusive(total):
    row = usage(input=21, output=393, read=1800, write=188, **total)
    assert (row["input_tokens"], row["input_basis"]) == (2009, "exclusive")


def test_a_total_settles_what_the_parts_leave_open():
    # 2000 fresh and 500 read: without the total this would pass for inclusive.
    row = usage(input=2000, output=100, read=500, total=2600)
    assert (row["input_tokens"], row["input_basis"]) == (2500, "exclusive")
    assert usage(input=2000, output=100, read=500)["input_tokens"] == 2000


@pytest.mark.parametrize("total", [{}, {"total": 2306}])
def test_output_without_reasoning_is_made_inclusive(total):
    row = usage(input=2006, output=108, reasoning=192, **total)
    assert (row["output_tokens"], row["input_tokens"]) == (300, 2006)


def test_cache_and_reasoning_may_both_stand_apart():
    row = usage(input=100, output=50, read=30, reasoning=20, total=200)
    assert (row["input_tokens"], row["output_tokens"], row["input_basis"]) == (130, 70, "exclusive")


def test_equal_cache_and_reasoning_are_added_once():
    row = usage(input=100, output=50, read=20, reasoning=20, total=170)
    assert (row["input_tokens"], row["output_tokens"]) == (120, 50)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"": 188, "5m": 100, "1h": 88}, (188, 100, 88)),
        ({"": 188, "1h": 88}, (188, 100, 88)),
        ({"5m": 100, "1h": 88}, (188, 100, 88)),
        ({"": 188}, (188, None, None)),
        ({"1h": 88}, (88, 0, 88)),
        ({"": 50, "1h": 88}, (50, None, 88)),
    ],
)
def test_of_cache_writes_two_counts_give_the_third(sent, expected):
    keys = {
        "": "gen_ai.usage.cache_write.input_tokens",
        "5m": "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
        "1h": "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    }
    row = read({**CHAT, "gen_ai.usage.input_tokens": 2009, **{keys[part]: count for part, count in sent.items()}})
    assert tuple(row[f"cache_write_{part}tokens"] for part in ("", "5m_", "1h_")) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ("7", 7),
        (" 7 ", 7),
        (7.0, 7),
        ("7.0", 7),
        (2**53, 2**53),
        (0, 0),
        (-1, None),
        ("-1", None),
        (2**53 + 1, None),
        (7.5, None),
        (float("nan"), None),
        ("1e9", None),
        ("1_000", None),
        ("seven", None),
        (True, None),
        ([7], None),
        (b"7", None),
    ],
)
def test_counts_come_in_many_types_and_only_whole_ones_count(value, expected):
    row = read({**CHAT, "gen_ai.usage.input_tokens": value, "gen_ai.usage.output_tokens": 1})
    assert row["input_tokens"] == expected
    assert ("gen_ai.usage.input_tokens" in dict(row["attributes"])) == (expected is None or not isinstance(value, int))


def test_a_source_that_is_no_count_gives_way_to_the_next():
    row = read({"gen_ai.system": "openai", "gen_ai.usage.input_tokens": "?", "gen_ai.usage.prompt_tokens": "12"})
    assert row["input_tokens"] == 12


@pytest.mark.parametrize(
    ("attributes", "status", "expected"),
    [
        ({**CHAT, "gen_ai.usage.output_tokens": 5}, 0, "reported"),
        ({**CHAT, "gen_ai.usage.output_tokens": 5}, 2, "reported"),
        (CHAT, 0, "missing"),
        (CHAT, 2, "failed"),
        ({**CHAT, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}, 0, "missing"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 5}, 0, "not_applicable"),
        ({"gen_ai.operation.name": "execute_tool"}, 2, "not_applicable"),
        ({}, 0, "not_applicable"),
    ],
)
def test_usage_status(attributes, status, expected):
    assert read(attributes, status=status)["usage_status"] == expected


def test_an_agents_own_sum_is_kept_but_marks_nothing():
    row = read({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 4012})
    assert (row["input_tokens"], row["usage_status"]) == (4012, "not_applicable")


# Costs


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0003369, "0.0003369"),
        (1.8e-07, "0.00000018"),
        ("0.5", "0.5"),
        (3, "3"),
        (-1.5, "-1.5"),
        (1.5e-12, "0.000000000002"),  # half-even
        (2.5e-12, "0.000000000002"),
        (float("nan"), None),
        (float("inf"), None),
        (1e308, None),
        ("free", None),
        ("1e-99999999999999999999", None),
        ("9" * 100_000, None),
        ("0." + "3" * 100_000, "0.333333333333"),
        (True, None),
    ],
)
def test_costs_are_the_shortest_text_of_the_double(value, expected):
    row = read({**CHAT, "gen_ai.usage.cost": value})
    assert row["reported_cost_usd"] == (None if expected is None else Decimal(expected))
    assert row["reported_source"] == (None if expected is None else "gen_ai.usage.cost")


def test_a_cost_in_another_currency_is_not_booked_in_usd():
    cost = {"gen_ai.usage.cost.amount": 0.5}
    assert read({**CHAT, **cost, "gen_ai.usage.cost.currency": "USD"})["reported_cost_usd"] == Decimal("0.5")
    row = read({**CHAT, **cost, "gen_ai.usage.cost.currency": "EUR"})
    assert (row["reported_cost_usd"], row["reported_source"]) == (None, None)
    assert dict(row["attributes"])["gen_ai.usage.cost.amount"] == "0.5"


@given(st.text())
def test_no_text_is_too_odd_for_the_canonical_names(text):
    for function in (
        *(canonical.provider, canonical.provider_of_host, canonical.provider_of_model),
        *(canonical.service_tier, canonical.credential, canonical.cost),
    ):
        function(text)

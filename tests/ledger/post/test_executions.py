"""A tool runs once, however many spans tell of it: the framework's, the client's of an MCP server and the server's."""

from decimal import Decimal

import pytest

from ledger.paths import DataDir
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import agent, call, decode, request, same_span, span
from tests.ledger.post.posted import ask, journal, post
from tests.ledger.post.test_tools import at, by_tool, tool

COUNTED = "SELECT sum(calls)::INT FROM cost_by_tool"
VIEWS = "SELECT span_id[-1], billed, reason FROM call_views ORDER BY span_id"


def test_the_spans_of_one_execution_are_one_call_which_the_outermost_bills(data: DataDir) -> None:
    journal(data, request(agent(1, 1), tool(1, 2, 1), span(1, 3, 2), tool(1, 4, 3), tool(1, 5, 4, service_name="mcp")))
    post(data)
    assert ask(data, COUNTED) == [(1,)]
    assert ask(data, VIEWS) == [
        ("2", True, "outermost_view"),
        ("4", False, "same_execution"),
        ("5", False, "same_execution"),
    ]
    assert ask(data, "SELECT tool_calls, spans FROM runs") == [(1, 5)]
    assert ask(data, "SELECT agent_name, service_name, views FROM calls") == [("planner", "svc", 3)]


@pytest.mark.parametrize("late", [2, 4])
def test_a_wrapper_and_an_inner_span_that_come_late_are_found_to_be_of_the_call(data: DataDir, late: int) -> None:
    spans = {2: tool(1, 2, 1), 4: tool(1, 4, 2)}
    journal(data, request(agent(1, 1), spans[6 - late]), request(spans[late]))
    post(data)
    assert ask(data, COUNTED) == [(1,)]
    assert ask(data, "SELECT span_id[-1] FROM calls") == [("2",)]
    assert ask(data, "SELECT call_id FROM calls_as_of(2)") == ask(data, "SELECT call_id FROM calls")
    for runs in ("runs_as_of(2)", "runs"):
        assert ask(data, f"SELECT sum(tool_calls)::INT FROM {runs}") == [(1,)]


APART = {
    "another tool": [tool(1, 2), tool(1, 3, 2, "fetch")],
    "another tool between": [tool(1, 2), tool(1, 3, 2, "fetch"), tool(1, 4, 3)],
    "an agent between": [tool(1, 2), agent(1, 3, 2), tool(1, 4, 3)],
    "a model between": [tool(1, 2), call(1, 3, 2), tool(1, 4, 3)],
    "other ids of the tool call": [tool(1, 2, tool_call_id="a"), tool(1, 3, 2, tool_call_id="b")],
    "no names": [tool(1, 2, name=None), tool(1, 3, 2, name=None)],
    "side by side": [tool(1, 2, 1), tool(1, 3, 1)],
}


@pytest.mark.parametrize("spans", APART.values(), ids=APART)
def test_tools_that_run_apart_are_calls_of_their_own(data: DataDir, spans: list[dict[str, object]]) -> None:
    journal(data, request(*spans))
    post(data)
    tools = sum(each["operation"] == "tool" for each in spans)
    assert ask(data, "SELECT count(*) FROM calls WHERE kind = 'tool'") == [(tools,)]


def test_the_models_id_of_the_tool_call_tells_of_one_execution_whatever_the_names(data: DataDir) -> None:
    journal(data, request(tool(1, 2, tool_call_id="a"), tool(1, 3, 2, "mcp__search", tool_call_id="a")))
    post(data)
    assert ask(data, "SELECT count(*), max(views) FROM calls") == [(1, 2)]


def test_tries_within_a_wrapper_are_one_execution_and_a_wrapper_without_a_name_leaves_it_to_the_first(
    data: DataDir,
) -> None:
    tries = [{"tool_call_id": "a", "status": status} for status in ("error", "unset")]
    spans = [tool(1, 2, name=None, tool_call_id="a"), *(tool(1, 3 + n, 2, **each) for n, each in enumerate(tries))]
    journal(data, request(*spans))
    post(data)
    assert ask(data, "SELECT span_id[-1], status, views FROM calls") == [("3", "error", 3)]


def test_what_the_result_of_an_inner_span_cost_is_taken_back_once_the_wrapper_bills(data: DataDir) -> None:
    """The prompt grew by 1,600 - 1,000 - 100 tokens of 0.15e-6 USD; 10 of 40 bytes of what came back are another's."""
    turns = [call(1, 2, **at(0)), call(1, 5, **at(3), input_tokens=1_600)]
    inner, other = tool(1, 4, 3, **at(1), output_bytes=90), tool(1, 6, None, "list", **at(1), output_bytes=10)
    journal(data, request(*turns, inner, other), request(tool(1, 3, **at(1), output_bytes=30)))
    post(data)
    expected = {"search": [0, 0, Decimal("0.00005625"), 1], "list": [0, 0, Decimal("0.00001875"), 1]}
    assert by_tool(data) == expected
    rows = digests(data)
    for options in ({"batch_events_max": 1}, {"batch_events_max": 1, "open_spans_max": 1}):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert by_tool(data) == expected
        assert digests(data) == rows

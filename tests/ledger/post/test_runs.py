"""Which spans are one run."""

from ledger.paths import DataDir
from tests.ledger.post.plain import agent, call, request, span
from tests.ledger.post.posted import ask, journal, post

RULES = "SELECT run_rule, count(DISTINCT run_id), count(*) FROM base.placements_as_of(100) GROUP BY ALL ORDER BY 1"


def test_a_span_that_defines_an_agent_is_of_no_run(data: DataDir) -> None:
    journal(data, request(span(1, 1, operation="definition", agent_name="planner")), request(call(2, 1)))
    post(data)
    assert ask(data, RULES) == [("trace", 1, 1), (None, 0, 1)]
    assert ask(data, "SELECT right(trace_id, 1), run_id = (SELECT run_id FROM runs) FROM run_traces") == [("2", True)]
    assert ask(data, "SELECT right(trace_id, 1), run_id IS NULL FROM spans ORDER BY 1") == [("1", True), ("2", False)]


def test_a_span_that_defines_an_agent_within_a_run_is_a_part_of_it(data: DataDir) -> None:
    journal(data, request(agent(1, 1), span(1, 2, 1, operation="definition"), call(1, 3, 1)))
    post(data)
    assert ask(data, "SELECT spans, model_calls FROM runs") == [(3, 1)]


def test_what_defines_an_agent_beside_calls_counts_neither_as_a_span_of_the_run_nor_twice(data: DataDir) -> None:
    journal(data, request(call(1, 1)), request(span(1, 2, operation="definition")), request(call(1, 3)))
    post(data, batch_events_max=1)
    assert ask(data, "SELECT spans, model_calls FROM runs") == [(2, 2)]
    assert ask(data, "SELECT spans, model_calls FROM runs_as_of(100)") == [(2, 2)]


def test_a_turn_named_at_the_topmost_agent_names_the_run_whatever_agents_below_it_are_called(data: DataDir) -> None:
    top, below = agent(1, 1) | {"turn_id": "turn 1"}, agent(1, 3, 2, name="helper") | {"turn_id": "turn 2"}
    journal(
        data, request(call(1, 4, 3, turn_id="turn 2")), request(below, span(1, 2, 1, operation="tool")), request(top)
    )
    post(data)
    assert ask(data, "SELECT run_rule, count(*) FROM calls GROUP BY ALL") == [("turn", 2)]
    assert ask(data, "SELECT agent_name, spans FROM runs") == [("planner", 4)]


def test_a_turn_named_on_calls_alone_names_the_run_of_their_agent_as_long_as_they_agree(data: DataDir) -> None:
    said = [request(agent(1, 1), call(1, 2, 1, turn_id="turn 1"), call(1, 3, 1))]
    journal(data, *said)
    post(data)
    assert ask(data, "SELECT DISTINCT run_rule FROM calls") == [("turn",)]
    assert ask(data, "SELECT spans, model_calls, cost_usd FROM runs_as_of(2)") == ask(
        data, "SELECT spans, model_calls, cost_usd FROM runs"
    )


def test_an_agent_below_which_several_turns_are_named_is_a_run_by_itself(data: DataDir) -> None:
    first = request(agent(1, 1), call(1, 2, 1, turn_id="turn 1"), call(1, 3, 1))
    journal(data, first, request(call(1, 4, 1, turn_id="turn 2")))
    post(data)
    assert ask(data, "SELECT run_rule, count(*) FROM calls GROUP BY ALL") == [("agent", 3)]
    assert ask(data, "SELECT run_rule, count(*) FROM calls_as_of(2) GROUP BY ALL") == [("turn", 2)]
    booked = ask(data, "SELECT count(DISTINCT call_id), sum(cost_usd) FROM charges")
    assert ask(data, "SELECT model_calls, cost_usd FROM runs") == booked


def test_traces_that_name_one_turn_are_one_run(data: DataDir) -> None:
    journal(data, request(call(1, 1, turn_id="turn 1")), request(call(2, 1, turn_id="turn 1")), request(call(3, 1)))
    post(data, batch_events_max=1)
    assert ask(data, "SELECT spans, model_calls FROM runs ORDER BY 1") == [(1, 1), (2, 2)]
    assert ask(data, "SELECT count(*) FROM run_traces") == [(3,)]

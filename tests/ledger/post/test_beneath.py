"""What an agent costs with the agents beneath it.

A thousand tokens in and a hundred out of gpt-4o-mini cost 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD (CALL_USD).
"""

import pytest

from ledger.paths import DataDir
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import agent, call, decode, request, same_span, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_rerating import BOOK, EVER, order

BY_AGENT = """
SELECT agent_name, sum(calls)::INT, sum(cost_usd), sum(inclusive_cost_usd) FROM cost_by_agent GROUP BY ALL ORDER BY ALL
"""
NESTED = [agent(1, 1, name="lead"), agent(1, 2, 1, name="coder"), agent(1, 3, 2, name="tester")]
CALLS = [call(1, 11, 1), call(1, 12, 2), call(1, 13, 3), call(1, 14, 3)]
EXPECTED = [
    ("coder", 1, CALL_USD, 3 * CALL_USD),
    ("lead", 1, CALL_USD, 4 * CALL_USD),
    ("tester", 2, 2 * CALL_USD, 2 * CALL_USD),
]


@pytest.mark.parametrize("options", [{}, {"batch_events_max": 1}, {"batch_events_max": 1, "open_spans_max": 1}])
@pytest.mark.parametrize("order_of_arrival", ["agents first", "calls first", "the middle one last", "backwards"])
def test_an_agent_costs_what_all_agents_beneath_it_cost_too(
    order_of_arrival: str, options: dict[str, int], data: DataDir
) -> None:
    said = {
        "agents first": [*NESTED, *CALLS],
        "calls first": [*CALLS, *NESTED],
        "the middle one last": [NESTED[0], NESTED[2], *CALLS, NESTED[1]],
        "backwards": [*NESTED, *CALLS][::-1],
    }[order_of_arrival]
    journal(data, *map(request, said))
    post(data, **options)
    assert ask(data, BY_AGENT) == EXPECTED


def test_an_agent_that_calls_itself_is_counted_once(data: DataDir) -> None:
    journal(data, request(agent(1, 1), agent(1, 2, 1, name="other"), agent(1, 3, 2), call(1, 4, 3)))
    post(data)
    assert ask(data, BY_AGENT) == [("other", 0, 0, CALL_USD), ("planner", 1, CALL_USD, CALL_USD)]


def test_an_agent_that_lies_twice_above_a_call_is_given_it_once(data: DataDir) -> None:
    twice = [agent(1, 1, name="other"), agent(1, 2, 1, name="other")]
    journal(data, request(*twice, agent(1, 3, 2), call(1, 4, 3)))
    post(data)
    assert ask(data, BY_AGENT) == [("other", 0, 0, CALL_USD), ("planner", 1, CALL_USD, CALL_USD)]


def test_a_call_beneath_a_tool_of_a_sub_agent_counts_for_all_above(data: DataDir) -> None:
    journal(data, request(agent(1, 1), agent(1, 2, 1, name="other"), span(1, 3, 2, operation="tool"), call(1, 4, 3)))
    post(data)
    assert ask(data, BY_AGENT) == [("other", 2, CALL_USD, CALL_USD), ("planner", 0, 0, CALL_USD)]


def test_a_correction_of_prices_reaches_the_agents_above(data: DataDir) -> None:
    journal(data, request(*NESTED, *CALLS), BOOK, order(3, EVER), request(call(1, 15, 3)))
    post(data, batch_events_max=1)
    doubled = [(name, calls, 2 * cost, 2 * inclusive) for name, calls, cost, inclusive in EXPECTED]
    more = {"coder": (0, 2), "lead": (0, 2), "tester": (2, 2)}
    assert ask(data, BY_AGENT) == [
        (name, calls + (name == "tester"), cost + more[name][0] * CALL_USD, inclusive + more[name][1] * CALL_USD)
        for name, calls, cost, inclusive in doubled
    ]
    expected = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == expected


def test_calls_without_a_price_are_in_no_inclusive_cost(data: DataDir) -> None:
    journal(data, request(agent(1, 1), agent(1, 2, 1, name="other"), call(1, 3, 2, request_model="no such model")))
    post(data)
    assert ask(data, BY_AGENT) == [("other", 1, None, None)]

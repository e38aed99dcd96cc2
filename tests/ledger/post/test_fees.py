"""Fees of tools as they are posted: by the rules in force when the call came, on its agent, corrected by lines."""

from decimal import Decimal
from typing import Any

import pytest

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_overrides import remove, set_rules
from tests.ledger.post.test_rerating import order
from tests.ledger.post.test_tools import at, tool

CENT = Decimal("0.01")


def fee(override_id: str, name: str, usd: str, unit: str = "tool_calls", **said: Any) -> Draft:
    return set_rules({"id": override_id, "tool": name, "unit": unit, "price_usd": usd, "per": 1, **said})


SEARCH = fee("search", "search", "0.01")
SANDBOX = fee("sandbox", "sand*", "0.5", "tool_seconds")
SUMS = ("charges", "calls", "runs", "cost_by_agent")


def totals(data: DataDir) -> set[object]:
    return {ask(data, f"SELECT sum(cost_usd) FROM {view}")[0][0] for view in SUMS}


def equal_however_posted(data: DataDir) -> None:
    expected = digests(data)
    for options in ({"batch_events_max": 1}, {"batch_events_max": 7}, {"batch_events_max": 1, "open_spans_max": 1}):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected, options


def test_a_tool_costs_its_fee_from_the_event_that_sets_it_to_the_one_that_ends_it(data: DataDir) -> None:
    calls = [request(agent(n, 1), tool(n, 2, 1), call(n, 3, 1)) for n in (1, 2, 3)]
    journal(data, calls[0], SEARCH, calls[1], remove("search"), calls[2])
    post(data)
    assert ask(data, "SELECT trace_id[-1], cost_usd, cost_status FROM calls WHERE kind = 'tool' ORDER BY 1") == [
        ("1", None, "none"),
        ("2", CENT, "priced"),
        ("3", None, "none"),
    ]
    assert totals(data) == {3 * CALL_USD + CENT}
    assert ask(data, "SELECT tool_name, sum(calls)::INT, sum(fee_usd), sum(unpriced_calls)::INT FROM cost_by_tool"
                     " GROUP BY ALL") == [("search", 3, CENT, 0)]  # fmt: skip
    lines = "SELECT agent_name, unit, quantity, price_id, override_id FROM charges WHERE tool_name = 'search'"
    assert ask(data, lines) == [("planner", "tool_calls", 1, None, "search")]
    assert ask(data, "SELECT tool FROM price_overrides ORDER BY event_seq") == [("search",), (None,)]
    equal_however_posted(data)


def test_seconds_of_a_tool_are_those_from_its_start_to_its_end(data: DataDir) -> None:
    ran = {"start_ns": EPOCH_NS, "end_ns": EPOCH_NS + 2 * SECOND + 1}
    unknown = {"start_ns": 0, "end_ns": EPOCH_NS}
    journal(data, SANDBOX, request(tool(1, 1, name="Sandbox", **ran), tool(1, 2, name="sandbox", **unknown)))
    post(data)
    assert ask(data, "SELECT unit, quantity, cost_usd, status FROM charges ORDER BY unit") == [
        ("tool_seconds", Decimal("2.000000001"), Decimal("1.0000000005"), "priced"),
        ("unknown", None, None, "unpriced"),
    ]
    assert ask(data, "SELECT cost_status FROM calls ORDER BY span_id") == [("priced",), ("unpriced",)]
    assert ask(data, "SELECT unpriced_calls, cost_usd FROM runs") == [(1, Decimal("1.0000000005"))]
    equal_however_posted(data)


def test_a_fee_goes_by_when_the_tool_started_and_not_by_when_it_was_told(data: DataDir) -> None:
    moment = EPOCH_NS + 5 * SECOND
    journal(
        data,
        fee("old", "search", "1", valid_to_ns=moment),
        fee("new", "search", "2", valid_from_ns=moment),
        request(*(tool(1, n, **at(n)) for n in (4, 5))),
    )
    post(data)
    assert ask(data, "SELECT cost_usd FROM charges ORDER BY charged_ns") == [(1,), (2,)]


def test_a_tool_that_failed_costs_its_fee_too(data: DataDir) -> None:
    journal(data, SEARCH, request(tool(1, 1, status="error", usage_status="failed")))
    post(data)
    assert ask(data, "SELECT status, cost_usd FROM calls") == [("error", CENT)]


def test_a_late_wrapper_takes_the_fee_over_and_a_late_agent_takes_it_along(data: DataDir) -> None:
    """2 seconds of the inner span are 1 USD, 4 of the wrapper 2 USD."""
    journal(
        data,
        SANDBOX,
        request(tool(1, 3, 2, "sandbox", **at(1, 2))),
        request(tool(1, 2, 1, "sandbox", **at(0, 4))),
        request(agent(1, 1)),
    )
    post(data)
    assert [ask(data, f"SELECT sum(cost_usd) FROM charges_as_of({seq})")[0][0] for seq in (3, 4, 5)] == [1, 2, 2]
    assert ask(data, "SELECT event_seq, entry, agent_name, quantity, cost_usd FROM charges ORDER BY 1, 2 DESC") == [
        (3, "booked", "svc", 2, 1),
        (4, "reversal", "svc", -2, -1),
        (4, "rebooked", "svc", 4, 2),
        (5, "reversal", "svc", -4, -2),
        (5, "rebooked", "planner", 4, 2),
    ]
    assert ask(data, "SELECT count(DISTINCT call_id) FROM charges") == [(1,)]
    assert ask(data, "SELECT sum(calls)::INT, sum(fee_usd) FROM cost_by_tool") == [(1, 2)]
    assert totals(data) == {Decimal(2)}
    equal_however_posted(data)


def test_a_fee_that_an_inner_span_reports_is_that_of_the_call(data: DataDir) -> None:
    told = {"reported_cost_usd": "0.03", "reported_source": "gen_ai.usage.cost"}
    journal(data, SEARCH, request(tool(1, 2), tool(1, 3, 2, **told)))
    post(data)
    assert ask(data, "SELECT unit, cost_usd FROM charges ORDER BY unit") == [
        ("reported_difference", Decimal("0.02")),
        ("tool_calls", CENT),
    ]
    assert totals(data) == {Decimal("0.03")}


def test_an_order_books_the_fee_of_calls_that_had_none_and_takes_back_one_that_is_no_more(data: DataDir) -> None:
    journal(
        data,
        request(agent(1, 1), tool(1, 2, 1), tool(1, 3, 1, "fetch"), tool(2, 1, name="sandbox")),
        SEARCH,
        SANDBOX,
        order(1),
        remove("search"),
        order(1),
        request(agent(1, 4), agent(2, 2)),
    )
    post(data)
    sums = [ask(data, f"SELECT sum(cost_usd) FROM charges_as_of({seq})")[0][0] for seq in (4, 5, 7)]
    assert sums == [None, Decimal("0.51"), Decimal("0.5")]
    assert ask(data, "SELECT event_seq, calls FROM rerates ORDER BY 1") == [(5, 2), (7, 1)]
    assert ask(data, "SELECT tool_name, entry, cost_usd FROM charges ORDER BY event_seq, tool_name DESC") == [
        ("search", "rerate", CENT),
        ("sandbox", "rerate", Decimal("0.5")),
        ("search", "reversal", -CENT),
    ]
    assert ask(data, "SELECT cost_usd, cost_status FROM calls WHERE tool_name = 'search'") == [(None, "none")]
    assert totals(data) == {Decimal("0.5")}
    equal_however_posted(data)


@pytest.mark.parametrize("options", [{}, {"open_spans_max": 1}])
def test_a_call_that_was_re_rated_is_moved_with_its_fee(data: DataDir, options: dict[str, int]) -> None:
    journal(data, request(tool(1, 2, 1)), SEARCH, order(1), request(call(2, 1)), request(agent(1, 1)))
    post(data, batch_events_max=1, **options)
    assert ask(data, "SELECT agent_name, sum(fee_usd) FROM cost_by_tool GROUP BY 1 HAVING sum(fee_usd) <> 0") == [
        ("planner", CENT)
    ]
    equal_however_posted(data)

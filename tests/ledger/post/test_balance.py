"""Histories drawn at random, of all that moves money: whichever way it is grouped, it is one sum."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.books.periods import Closing
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from tests.ledger.post.months import close
from tests.ledger.post.plain import agent, call, decode, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_histories import feed, ordered, overridden, published, removed, requests, stepped

HOUR_NS = 3_600 * 10**9
closed = st.sampled_from(["2026-08", "2026-09"]).map(close)
"""Spans are of September 2026, and received when the test runs."""
histories = st.lists(
    requests | requests | requests | overridden | stepped | feed | removed | published | ordered | closed,
    min_size=1,
    max_size=10,
)

GROUPINGS = {
    "cost_by_agent": ("environment, service_name, agent_name, team, user_id", "TRUE"),
    "cost_by_model": ("environment, service_name, agent_name, provider, model", "tool_name IS NULL"),
    "cost_by_tool": ("environment, service_name, agent_name, tool_name", "tool_name IS NOT NULL"),
}
"""View -> its keys beside the hour, and which charges are in it."""


def differing(view: str) -> str:
    """Where the sums by hour of `view` are not those of the lines."""
    keys, among = GROUPINGS[view]
    given = ", ".join(f"COALESCE({key}, '') AS {key}" for key in keys.split(", "))
    return f"""
    WITH summed AS (
      SELECT hour_ns, {given}, SUM(cost_usd) AS usd FROM {view} GROUP BY ALL HAVING SUM(cost_usd) <> 0
    ), lines AS (
      SELECT charged_ns // {HOUR_NS} * {HOUR_NS} AS hour_ns, {given}, SUM(cost_usd) AS usd FROM charges
      WHERE {among} GROUP BY ALL HAVING SUM(cost_usd) <> 0
    )
    (FROM summed EXCEPT ALL FROM lines) UNION ALL (FROM lines EXCEPT ALL FROM summed)
    """


TOTALS = """
SELECT
  (SELECT COALESCE(SUM(cost_usd), 0) FROM charges),
  (SELECT COALESCE(SUM(cost_usd), 0) FROM calls),
  (SELECT COALESCE(SUM(cost_usd), 0) FROM cost_by_agent),
  (SELECT COALESCE(SUM(cost_usd), 0) FROM cost_by_credential),
  (SELECT COALESCE(SUM(cost_usd), 0) FROM cost_by_model)
  + (SELECT COALESCE(SUM(cost_usd), 0) FROM charges WHERE tool_name IS NOT NULL),
  (SELECT COALESCE(SUM(cost_usd), 0) FROM runs)
  + (SELECT COALESCE(SUM(cost_usd), 0) FROM charges WHERE run_id IS NULL OR run_id NOT IN (SELECT run_id FROM runs))
"""
"""One sum seven ways; what is of no run that is listed is told apart."""
UNEVEN_REVERSALS = """
SELECT r.charge_id FROM charges AS r LEFT JOIN charges AS b ON b.charge_id = r.reverses
WHERE r.entry = 'reversal'
AND (b.charge_id IS NULL OR r.quantity <> -b.quantity OR r.cost_usd IS DISTINCT FROM -b.cost_usd)
"""


def reported(data: DataDir) -> None:
    """What was counted up to the end of a month when it was closed is what is counted up to it now."""
    for month, seq in ask(data, "SELECT month, event_seq FROM periods"):
        ends_ns = Closing(str(month), "", "").ends_ns
        told, now = (
            ask(data, f"SELECT SUM(cost_usd) FROM {lines} WHERE accounting_ns < {ends_ns}")
            for lines in (f"charges_as_of({seq})", "charges")
        )
        assert told == now, month


def balances(data: DataDir) -> None:
    assert {view: ask(data, differing(view)) for view in GROUPINGS} == {view: [] for view in GROUPINGS}
    (totals,) = ask(data, TOTALS)
    assert len(set(totals)) == 1, totals
    assert ask(data, UNEVEN_REVERSALS) == []
    reported(data)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_money_is_one_sum_in_every_grouping_live_and_rebuilt(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(history, tmp_path_factory.mktemp("balance"))


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_money_is_one_sum_in_a_hundred_and_fifty_histories(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(history, tmp_path_factory.mktemp("balance"))


def check(history: list[Draft], root: Path) -> None:
    data = DataDir(root / "data")
    journal(data, *history)
    post(data, batch_events_max=2, open_spans_max=1)
    balances(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    balances(data)


def test_what_nobody_named_is_a_row_of_its_own_in_every_grouping(data: DataDir) -> None:
    """One call of an agent, and one of nobody, with no more than the service that every sender without one gets."""
    nobody = {"service_name": "unknown_service", "provider": None, "request_model": None}
    stated = {"reported_cost_usd": "0.5", "reported_source": "gen_ai.usage.cost"}
    journal(data, request(agent(1, 1), call(1, 2, parent=1), call(2, 1, **nobody, **stated)))
    post(data)
    half = Decimal("0.5")
    assert ask(data, "SELECT agent_name, cost_usd FROM cost_by_agent ORDER BY cost_usd") == [
        ("planner", CALL_USD),
        ("unknown_service", half),
    ]
    assert ask(data, "SELECT model, cost_usd FROM cost_by_model ORDER BY cost_usd") == [
        ("gpt-4o-mini", CALL_USD),
        (None, half),
    ]
    assert ask(data, "SELECT team, user_id, SUM(cost_usd) FROM charges GROUP BY ALL") == [(None, None, half + CALL_USD)]
    balances(data)

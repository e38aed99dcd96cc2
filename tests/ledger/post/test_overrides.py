"""Overrides as events: in force from theirs on, for what arrives; what is booked keeps both costs."""

import json
from decimal import Decimal
from typing import Any

from ledger.books.rule_events import Removal, removal_body, rule_of, set_body
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_OVERRIDE_REMOVED, PRICE_OVERRIDE_SET
from ledger.paths import DataDir
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import call, decode, log, records, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post


def set_rules(*rules: dict[str, Any]) -> Draft:
    said = [rule_of({"reason": "agreed", "author": "jane", **rule}) for rule in rules]
    return Draft(kind=PRICE_OVERRIDE_SET, body=set_body(said), transport="control")


def remove(*ids: str) -> Draft:
    return Draft(kind=PRICE_OVERRIDE_REMOVED, body=removal_body(Removal(ids, "over", "jane")), transport="control")


HALF = {"id": "half", "provider": "openai", "multiply": "0.5"}


def test_a_rule_prices_what_arrives_between_its_events_and_both_costs_are_kept(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 1)),
        set_rules(HALF),
        request(call(2, 1)),
        remove("half"),
        request(call(3, 1)),
        set_rules(HALF | {"multiply": "2"}),
        request(call(4, 1)),
    )
    post(data)
    found = ask(
        data,
        "SELECT sum(list_cost_usd), sum(cost_usd), max(override_id) FROM charges GROUP BY trace_id ORDER BY trace_id",
    )
    assert found == [
        (CALL_USD, CALL_USD, None),
        (CALL_USD, CALL_USD / 2, "half"),
        (CALL_USD, CALL_USD, None),
        (CALL_USD, CALL_USD * 2, "half"),
    ]
    assert ask(data, "SELECT action, multiply, in_force, event_seq FROM price_overrides ORDER BY event_seq") == [
        ("set", Decimal("0.5"), False, 3),
        ("removed", None, False, 5),
        ("set", Decimal(2), True, 7),
    ]
    for view in ("calls", "runs", "cost_by_agent", "cost_by_model"):
        assert ask(data, f"SELECT sum(cost_usd) FROM {view}") == [(CALL_USD * Decimal("4.5"),)]


def test_a_trace_that_is_brought_back_is_priced_as_its_spans_were(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 1, 9)),
        set_rules(HALF),
        request(call(1, 2, 9), call(2, 1)),
        remove("half"),
        request(call(2, 2)),
        request({**call(1, 9), "operation": "agent", "agent_name": "late"}),
    )
    post(data)
    expected = digests(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges WHERE trace_id LIKE '%1'") == [(CALL_USD * Decimal("1.5"),)]
    assert ask(data, "SELECT agent_name, sum(cost_usd) FROM charges WHERE agent_name = 'late' GROUP BY ALL") == [
        ("late", CALL_USD * Decimal("1.5"))
    ]
    for options in ({"batch_events_max": 1}, {"batch_events_max": 1, "open_spans_max": 1}):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected


def test_an_event_that_is_no_rule_is_quarantined_whole_and_changes_nothing(data: DataDir) -> None:
    wrong = Draft(kind=PRICE_OVERRIDE_SET, body=json.dumps({"rules": [{"id": "x"}]}).encode(), transport="control")
    journal(data, set_rules(HALF), wrong, request(call(1, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD / 2,)]
    ((reason,),) = ask(data, "SELECT reason FROM quarantine")
    assert "price override x" in str(reason)


def test_the_list_cost_stays_the_lists_where_another_view_reports_the_cost(data: DataDir) -> None:
    told = {"reported_cost_usd": "0.5", "reported_source": "cost_usd"}
    journal(data, set_rules(HALF), request(call(1, 1)), records(log(1, 1, **told)))
    post(data)
    assert ask(data, "SELECT sum(list_cost_usd), sum(cost_usd) FROM charges") == [(CALL_USD, Decimal("0.5"))]

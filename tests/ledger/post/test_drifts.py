"""Calls whose stated and computed costs differ: `plain` calls are computed at 0.00021 USD."""

from decimal import Decimal

import pytest

from ledger.paths import DataDir
from tests.ledger.post.plain import call, request
from tests.ledger.post.posted import CALL_USD, ask, journal, post

DRIFTS = "SELECT reported_cost_usd, drift_usd, drift_pct, cost_usd FROM cost_drifts"


@pytest.mark.parametrize(
    ("stated", "drift"),
    [
        ("0.00021", None),
        ("0.0002121", None),  # a hundredth more
        ("0.0002122", ("0.0000022", "1.048")),
        ("0.0002079", None),
        ("0.0002078", ("-0.0000022", "-1.048")),
        ("0.00042", ("0.00021", "100")),
        ("0", None),  # what libraries write for what they do not know
        ("-1", None),
    ],
)
def test_a_call_is_listed_whose_costs_differ_by_more_than_a_hundredth(
    stated: str, drift: tuple[str, str] | None, data: DataDir
) -> None:
    journal(data, request(call(1, 1, reported_cost_usd=stated, reported_source="llm.cost.total")))
    post(data)
    expected = [] if drift is None else [(Decimal(stated), Decimal(drift[0]), Decimal(drift[1]), CALL_USD)]
    assert ask(data, DRIFTS) == expected


def test_what_was_booked_is_told_beside_both(data: DataDir) -> None:
    """A provider's or gateway's figure is booked; the difference is a line."""
    journal(data, request(call(1, 1, reported_cost_usd="0.0005", reported_source="cost_usd")))
    post(data)
    assert ask(data, "SELECT computed_cost_usd, reported_cost_usd, reported_source, cost_usd FROM cost_drifts") == [
        (CALL_USD, Decimal("0.0005"), "cost_usd", Decimal("0.0005"))
    ]


def test_a_call_without_a_computed_cost_has_no_drift(data: DataDir) -> None:
    journal(data, request(call(1, 1, request_model="nobody-1", reported_cost_usd="0.5", reported_source="cost_usd")))
    post(data)
    assert ask(data, DRIFTS) == []

"""Months closed among the spans of a ledger: what was reported stays, and what comes later counts later."""

from pathlib import Path

import pytest

from ledger.paths import DataDir
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.months import close, journal
from tests.ledger.post.plain import agent, call, decode, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, post

SUMS = """
SELECT strftime(accounting_at, '%Y-%m-%d'), entry, SUM(cost_usd) FROM charges GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.mark.parametrize("batch_events_max", [1, 100])
def test_late_spans_of_a_closed_month_count_when_they_are_recorded(data: DataDir, batch_events_max: int) -> None:
    journal(
        data,
        ("2026-10-01", request(call(1, 2, parent=1))),
        ("2026-10-02", close("2026-09")),
        ("2026-10-03", request(agent(1, 1))),  # the call moves to another agent: back, and booked anew
        ("2026-10-04", request(call(2, 3))),
    )
    post(data, batch_events_max=batch_events_max)
    assert ask(data, SUMS) == [
        ("2026-09-21", "booked", CALL_USD),
        ("2026-10-03", "rebooked", CALL_USD),
        ("2026-10-03", "reversal", -CALL_USD),
        ("2026-10-04", "booked", CALL_USD),
    ]
    assert ask(data, "SELECT SUM(cost_usd) FROM charges WHERE accounting_at < '2026-10-01'") == [(CALL_USD,)]
    assert ask(data, "SELECT DISTINCT strftime(hour, '%Y-%m') FROM cost_by_agent") == [("2026-09",)]
    assert ask(data, "SELECT month, author, event_seq FROM periods") == [("2026-09", "ann", 3)]


def test_a_month_that_has_not_ended_or_is_closed_is_not_closed_and_says_so(data: DataDir) -> None:
    journal(
        data,
        ("2026-09-30", close("2026-09")),
        ("2026-10-02", close("2026-09")),
        ("2026-10-03", close("2026-08")),
    )
    post(data)
    assert ask(data, "SELECT month, event_seq FROM periods") == [("2026-09", 3)]
    assert ask(data, "SELECT source_seq, reason FROM quarantine ORDER BY 1") == [
        (2, "2026-09 has not ended: a month is closed once it is over"),
        (4, "2026-08 is closed already, as all months up to 2026-09 are"),
    ]


def test_a_rebuild_and_batches_of_any_size_agree(data: DataDir) -> None:
    journal(
        data,
        ("2026-10-01", request(call(1, 2, parent=1))),
        ("2026-10-02", close("2026-09")),
        ("2026-10-03", request(agent(1, 1))),
    )
    post(data, batch_events_max=1, open_spans_max=1)
    before = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == before
    assert ask(data, "SELECT SUM(cost_usd) FROM charges") == [(CALL_USD,)]

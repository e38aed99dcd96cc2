"""Traces that no agent makes and a loop does: very deep, very wide, and without end. Posting them is bounded work."""

from decimal import Decimal
from pathlib import Path

import pytest

from ledger.calls import depth, owner
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post import telemetry
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import call, decode, request, same_span, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post

WAYS = (
    {"batch_events_max": 1},
    {"batch_events_max": 7},
    {"batch_events_max": 7, "open_spans_max": 1},
    {"batch_spans_max": 3},
    {"open_text_max": 1},
)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def posted_all_ways(data: DataDir, *drafts: Draft) -> None:
    """Post them at once, and see that no other way of cutting and forgetting gives other rows."""
    journal(data, *drafts)
    post(data)
    at_once = digests(data)
    for options in WAYS:
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == at_once, options


def calls(data: DataDir) -> list[tuple[object, ...]]:
    return ask(data, "SELECT count(*), sum(cost_usd) FROM calls")


@pytest.mark.parametrize("order", [1, -1], ids=["each within the last", "each around the last"])
def test_a_chain_ends_where_it_is_deeper_than_any_agent(
    data: DataDir, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "DEPTH_MAX", 4)
    chain = [call(1, n, n - 1 if n > 1 else None) for n in range(1, 13)]
    posted_all_ways(data, *(request(one) for one in chain[::order]))
    # Five spans are a chain of the greatest depth: 5 + 5 + 2 of the twelve, and the innermost of each chain bills.
    assert calls(data) == [(3, 3 * CALL_USD)]


def test_a_chain_of_the_greatest_depth_is_whole(data: DataDir) -> None:
    posted_all_ways(data, request(*(call(1, n, n - 1 if n > 1 else None) for n in range(1, 258))))
    assert calls(data) == [(1, CALL_USD)]


def test_links_that_would_be_too_deep_or_close_a_circle_are_left_out_in_journal_order(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "DEPTH_MAX", 2)
    posted_all_ways(
        data,
        request(call(1, 1, 2), call(1, 2, 3)),
        request(call(1, 3, 1), call(1, 4, 3)),  # 3 beneath 1 closes a circle; 4 beneath 3 is still short enough
        request(call(1, 5, 4), call(1, 6, 5), call(1, 7, 6)),
    )
    assert ask(data, "SELECT count(*) FROM spans") == [(7,)]


def test_calls_that_join_a_large_group_are_decided_alone(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    decided = []
    whole = owner._group
    monkeypatch.setattr(owner, "_group", lambda nodes, nesting, top: decided.append(top) or whole(nodes, nesting, top))
    around = call(1, 1, usage_status="missing", input_tokens=None, output_tokens=None)
    journal(data, request(around), *(request(call(1, n, 1)) for n in range(2, 202)))
    post(data, batch_events_max=1)
    assert calls(data) == [(200, 200 * CALL_USD)]
    assert len(decided) == 1, "the first call makes a group; none of the others changes what the outer span speaks for"


def test_a_call_that_joins_a_group_and_knows_more_is_spoken_for_instead(data: DataDir) -> None:
    unknown = {"usage_status": "missing", "input_tokens": None, "output_tokens": None}
    posted_all_ways(
        data,
        request(call(1, 1, **unknown)),
        request(call(1, 2, 1, status="error", **unknown)),
        request(call(1, 3, 1, status="error", **unknown)),
        request(call(1, 4, 1, **unknown)),
        request(call(1, 5, 1)),
        request(call(1, 7, 6)),
        request(span(1, 6, 1)),  # transparent: 7 joins late, and is later than 5
    )
    assert ask(data, "SELECT count(*) FROM call_views WHERE reason = 'outer_view_of_call'") == [(1,)]
    assert ask(data, "SELECT sum(cost_usd) FROM calls") == [(2 * CALL_USD,)]


def test_spans_of_a_trace_without_end_are_quarantined_past_its_bound_and_say_so(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "TRACE_SPANS_MAX", 5)
    posted_all_ways(
        data,
        request(*(call(1, n) for n in range(1, 4)), call(2, 1)),
        request(*(call(1, n) for n in range(4, 8))),
        request(call(1, 1), call(1, 8), call(2, 2)),
    )
    assert ask(data, "SELECT count(*) FROM spans") == [(7,)]
    assert ask(data, "SELECT source_seq, span_index FROM quarantine ORDER BY ALL") == [(3, 2), (3, 3), (4, 1)]
    assert "has 5 spans already" in str(ask(data, "SELECT reason FROM quarantine")[0])
    assert calls(data) == [(7, 7 * CALL_USD)]


def test_a_long_name_is_cut_in_what_is_decided_and_whole_in_the_span(data: DataDir) -> None:
    posted_all_ways(data, request(call(1, 1, agent_name="a" * 100_000)))
    assert ask(data, "SELECT length(agent_name) FROM charges") == [(256,)] * len(ask(data, "SELECT 1 FROM charges"))
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(Decimal(CALL_USD),)]

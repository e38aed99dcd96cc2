"""Spans and log records of a command-line agent, of which neither names the other: one call all the same.

A call of `plain` costs 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD by the price book.
"""

from itertools import permutations

import pytest

from ledger.calls import moments
from ledger.calls.apart import SLOT_NS
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, log, records, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post

TOTAL = "SELECT sum(cost_usd) FROM charges"
BOTH = "SELECT signal, billed, reason FROM call_views ORDER BY ALL"
CLI = {"scope_name": "codex_otel", "service_name": "codex_cli"}
TALK = {"conversation_id": "talk 1"}
UNMODELLED = {"request_model": None, "provider": None}
"""A span that does not say which model it is of."""


def turn(trace: int, number: int, conversation: str = "talk 1") -> dict[str, object]:
    return agent(trace, number, name="codex") | {"conversation_id": conversation, **CLI}


def heard(after_ns: int = 1_000_000, **fields: object) -> dict[str, object]:
    """A log record without a trace, written `after_ns` after `plain` spans end."""
    time_ns = EPOCH_NS + SECOND + after_ns
    return log(None, None, **{**CLI, **TALK, "event_name": "sse_event", "time_ns": time_ns, **fields})


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_span_its_turn_and_its_log_record_are_one_call_in_any_order(order: tuple[int, ...], data: DataDir) -> None:
    sent = [request(call(1, 2, 1, **CLI)), request(turn(1, 1)), records(heard())]
    journal(data, *(sent[at] for at in order))
    post(data)
    assert ask(data, TOTAL) == [(CALL_USD,)]
    assert ask(data, BOTH) == [("log", False, "same_moment"), ("span", True, "knows_most_of_call")]
    assert ask(data, "SELECT agent_name, model_calls, cost_usd FROM runs") == [("codex", 1, CALL_USD)]
    live = digests(data)
    for options in (PosterOptions(), PosterOptions(batch_events_max=1, open_spans_max=1)):
        rebuild(data, decode, same_span, clock=SystemClock(), options=options)
        assert digests(data) == live


def test_where_the_span_names_no_model_the_log_record_bills(data: DataDir) -> None:
    journal(data, request(turn(1, 1), call(1, 2, 1, **CLI, **UNMODELLED)), records(heard()))
    post(data)
    assert ask(data, TOTAL) == [(CALL_USD,)]
    assert ask(data, BOTH) == [("log", True, "knows_most_of_call"), ("span", False, "same_moment")]
    assert ask(data, "SELECT agent_name, model FROM calls") == [("codex", "gpt-4o-mini")]


@pytest.mark.parametrize(
    "other",
    [
        {"conversation_id": "talk 2"},
        {"conversation_id": None},
        {"service_name": "codex_exec"},
        {"input_tokens": 1_001},
        {"request_model": "gpt-4o"},
        {"after_ns": moments.AFTER_NS_MAX + 1},
        {"after_ns": -SECOND - moments.BEFORE_NS_MAX - 1},
    ],
    ids=str,
)
def test_what_differs_is_another_call(other: dict[str, object], data: DataDir) -> None:
    journal(data, request(turn(1, 1), call(1, 2, 1, **CLI)), records(heard(**other)))
    post(data)
    assert ask(data, "SELECT count(*) FROM calls") == [(2,)]


@pytest.mark.parametrize("after_ns", [-SECOND - moments.BEFORE_NS_MAX, moments.AFTER_NS_MAX])
def test_the_clocks_of_the_two_may_differ_a_little(after_ns: int, data: DataDir) -> None:
    journal(data, request(turn(1, 1), call(1, 2, 1, **CLI)), records(heard(after_ns)))
    post(data)
    assert ask(data, TOTAL) == [(CALL_USD,)]


def test_calls_alike_go_each_with_its_nearest_log_record(data: DataDir) -> None:
    spans = [
        call(1, 2 + n, 1, **CLI, start_ns=EPOCH_NS + n * SECOND, end_ns=EPOCH_NS + (n + 1) * SECOND) for n in range(5)
    ]
    told = [heard(n * SECOND + 1_000_000) for n in range(5)]
    journal(data, request(turn(1, 1), *spans[:2]), records(*told[1:]), records(told[0]), request(*spans[2:]))
    post(data)
    assert ask(data, TOTAL) == [(5 * CALL_USD,)]
    assert ask(data, "SELECT views, count(*)::INT FROM calls GROUP BY ALL") == [(2, 5)]


def test_two_log_records_of_one_call_are_one_if_their_events_differ(data: DataDir) -> None:
    journal(data, records(heard(event_name="sse_event"), heard(2_000_000, event_name="completed")))
    post(data)
    assert ask(data, TOTAL) == [(CALL_USD,)]
    journal(data, records(heard(3_000_000, event_name="completed")))
    post(data)
    assert ask(data, TOTAL) == [(2 * CALL_USD,)], "one event twice tells of two calls"


def test_spans_of_other_instrumentations_stand_for_themselves(data: DataDir) -> None:
    library = CLI | {"scope_name": "some.library"}
    journal(data, request(turn(1, 1), call(1, 2, 1, **library)), records(heard()))
    post(data)
    assert ask(data, "SELECT count(*) FROM calls") == [(2,)]


def test_on_both_sides_of_a_quarter_of_an_hour_they_are_two_calls(data: DataDir) -> None:
    end_ns = (EPOCH_NS // SLOT_NS + 1) * SLOT_NS - 1
    journal(
        data,
        request(turn(1, 1), call(1, 2, 1, **CLI, start_ns=end_ns - SECOND, end_ns=end_ns)),
        records(heard(time_ns=end_ns + 1)),
    )
    post(data)
    assert ask(data, "SELECT count(*) FROM calls") == [(2,)]


def test_of_a_group_without_end_the_first_are_compared_whatever_is_remembered(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments, "GROUP_MAX", 4)
    journal(data, *_apart(6))
    post(data, batch_events_max=1)
    assert ask(data, "SELECT count(*)::INT FROM calls") == [(12 - 2,)]
    live = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1, open_spans_max=1))
    assert digests(data) == live


def _apart(count: int) -> list[Draft]:
    """Spans in traces of their own, each followed by its log record, a tenth of a second apart."""
    made = []
    for n in range(count):
        at_ns = n * SECOND // 10
        times = {"start_ns": EPOCH_NS + at_ns, "end_ns": EPOCH_NS + SECOND + at_ns}
        made += [request(call(1 + n, 2, **CLI, **TALK, **times)), records(heard(at_ns + 1_000_000))]
    return made

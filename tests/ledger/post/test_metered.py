"""Metrics bill where neither spans nor log records tell of the calls, and are taken back when these do.

A thousand tokens in and a hundred out of gpt-4o-mini cost 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD (CALL_USD).
"""

from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.calls.ids import field
from ledger.calls.meters import (
    ANSWER,
    CACHE_READ,
    CACHE_WRITE,
    COST,
    FRESH_INPUT,
    INPUT,
    OUTPUT,
    REASONING,
)
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post import metered
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import (
    EPOCH_NS,
    SECOND,
    agent,
    call,
    decode,
    log,
    point,
    points,
    records,
    request,
    same_span,
)
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_rerating import BOOK, EVER, order

TOTAL = "SELECT coalesce(sum(cost_usd), 0) FROM charges"
UNITS = (
    "SELECT unit, sum(quantity)::INT, sum(cost_usd) FROM charges GROUP BY unit HAVING sum(quantity) <> 0 ORDER BY unit"
)
WHY = "SELECT billed, reason FROM call_views WHERE signal = 'metric' ORDER BY source_seq, span_index"
TALK = {"conversation_id": "talk"}
COUNTS = {"temporality": "cumulative"}


def both(at_s: int = 1, **fields: object) -> list[dict[str, object]]:
    """Data points of one moment that come to CALL_USD."""
    return [point(INPUT, 1_000, at_s, **fields), point(OUTPUT, 100, at_s, **fields)]


def usd(text: str) -> Decimal:
    return Decimal(text)


def conserved(data: DataDir) -> Decimal:
    """The sum by agent, model and hour, of calls and of all lines, which is one."""
    sums = ["sum(cost_usd) FROM charges", "sum(cost_usd) FROM calls"]
    sums += [f"sum(cost_usd) FROM cost_by_{what}" for what in ("agent", "model", "credential")]
    found = {ask(data, f"SELECT coalesce({one.replace(' FROM', ', 0) FROM')}")[0][0] for one in sums}
    assert len(found) == 1
    return Decimal(str(found.pop()))


def test_points_of_one_moment_are_one_call_without_a_run(data: DataDir) -> None:
    journal(data, points(*both(**TALK, user_id="ann", team="blue")))
    post(data)
    assert conserved(data) == CALL_USD
    assert ask(data, UNITS) == [("fresh_input_tokens", 1_000, usd("0.00015")), ("output_tokens", 100, usd("0.00006"))]
    assert ask(
        data,
        "SELECT kind, signal, run_id, trace_id, span_id, agent_name, agent_rule, run_rule, conversation_id, user_id, "
        "team, input_tokens, output_tokens, usage_status, cost_status, cost_usd, views FROM calls",
    ) == [
        (
            *("model", "metric", None, None, None, "svc", "provisional", None, "talk", "ann", "blue", 1_000, 100),
            *("reported", "priced", CALL_USD, 1),
        )
    ]
    assert ask(data, "SELECT run_id, signal, span_id FROM charges") == [(None, "metric", None)] * 2
    assert ask(data, WHY) == [(True, "sole_view")]
    assert ask(data, "SELECT count(*) FROM runs") == [(0,)]


def test_the_id_of_a_reading_is_made_of_the_content_hash_of_its_first_point(data: DataDir) -> None:
    journal(data, points(*both()))
    post(data)
    content_hash = sha256(f'["default", {both()[0]!s}]'.replace("'", '"').encode()).digest()[:16]
    expected = sha256(field(b"metric") + field(b"default") + field(content_hash)).hexdigest()[:32]
    for asked in (
        "view_id FROM call_views",
        "call_id FROM calls",
        "DISTINCT call_id FROM charges",
        "view_id FROM readings",
    ):
        assert ask(data, f"SELECT {asked}") == [(expected,)]


CACHED = [
    point(INPUT, 2_000),
    point(CACHE_READ, 1_500),
    point(CACHE_WRITE, 100),
    point(OUTPUT, 100),
    point(REASONING, 60),
]
APART = [
    point(FRESH_INPUT, 400),
    point(CACHE_READ, 1_500),
    point(CACHE_WRITE, 100),
    point(ANSWER, 40),
    point(REASONING, 60),
]


@pytest.mark.parametrize("said", [CACHED, APART], ids=["inclusive", "apart"])
@pytest.mark.parametrize("way", ["at once", "one by one", "backwards"])
def test_units_do_not_overlap_whether_they_are_counted_inclusive_or_apart(
    said: list[dict[str, object]], way: str, data: DataDir
) -> None:
    ways = {"at once": [said], "one by one": [[one] for one in said], "backwards": [[one] for one in said[::-1]]}
    journal(data, *(points(*part) for part in ways[way]))
    post(data)
    assert ask(data, "SELECT input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens FROM "
        "calls") == [(2_000, 100, 1_500, 100, 60)]  # fmt: skip
    # fresh 400 * 0.15e-6; read 1500 * 0.075e-6; written 100: no price of its own, as fresh; out 100 * 0.6e-6
    assert [(unit, quantity) for unit, quantity, _ in ask(data, UNITS)] == [
        ("cache_read_tokens", 1_500),
        ("cache_write_tokens", 100),
        ("fresh_input_tokens", 400),
        ("output_tokens", 100),
    ]


def test_points_that_a_later_request_adds_to_a_moment_make_one_call_of_both(data: DataDir) -> None:
    told, counted = both()
    journal(data, points(told), points(counted), points(point(COST, "0.5", name="gen_ai.usage.cost")))
    post(data, batch_events_max=1, open_spans_max=1)
    assert conserved(data) == usd("0.5")
    assert ask(data, WHY) == [(False, "earlier_reading"), (False, "earlier_reading"), (True, "last_reading")]
    assert ask(data, "SELECT count(*), count(DISTINCT call_id), count(DISTINCT duplicate_of) FROM call_views") == [
        (3, 1, 1)
    ]
    assert ask(data, "SELECT views, input_tokens, output_tokens, computed_cost_usd, reported_cost_usd FROM calls") == [
        (3, 1_000, 100, CALL_USD, usd("0.5"))
    ]
    assert ask(data, "SELECT cost_usd FROM calls_as_of(3)") == [(CALL_USD,)]


PRICED = point(COST, "0.014802", name="claude_code.cost.usage")


@pytest.mark.parametrize("first", ["tokens", "cost"])
def test_a_cost_that_is_metered_beside_the_tokens_replaces_the_computed_one(first: str, data: DataDir) -> None:
    sent = [points(*both()), points(PRICED)]
    journal(data, *(sent if first == "tokens" else sent[::-1]))
    post(data)
    assert conserved(data) == usd("0.014802")
    # 0.014802 - 0.00021
    assert ask(data, UNITS)[-1] == ("reported_difference", 1, usd("0.014592"))
    assert ask(data, "SELECT reported_source, cost_status FROM calls") == [("claude_code.cost.usage", "priced")]


def test_a_metered_cost_without_tokens_is_booked_and_the_tokens_stay_unknown(data: DataDir) -> None:
    journal(data, points(PRICED))
    post(data)
    assert conserved(data) == usd("0.014802")
    assert ask(data, "SELECT input_tokens, usage_status, cost_status FROM calls") == [(None, "missing", "unpriced")]


def test_of_two_metrics_that_count_the_same_the_greater_counts(data: DataDir) -> None:
    other = [point(INPUT, 900, name="other"), point(OUTPUT, 100, name="other")]
    journal(data, points(*both()), points(*other))
    post(data)
    assert ask(data, TOTAL) == [(CALL_USD,)]


def test_differences_bill_each_and_a_point_that_comes_again_bills_once(data: DataDir) -> None:
    journal(data, points(*both(1)), points(*both(2)), points(*both(1)))
    post(data)
    assert conserved(data) == 2 * CALL_USD
    assert ask(data, "SELECT count(*) FROM calls") == [(2,)]


def counted(value: int, at_s: int, start_s: int = 0, **fields: object) -> Draft:
    return points(point(INPUT, value, at_s, start_ns=EPOCH_NS + start_s * SECOND, **COUNTS, **fields))


GROWN: dict[str, tuple[list[Draft], int]] = {
    "grows": ([counted(1_000, 1), counted(1_500, 2), counted(1_500, 3)], 1_500),
    "falls": ([counted(1_000, 1), counted(400, 2)], 1_400),
    "starts anew": ([counted(1_000, 5), counted(400, 9, start_s=6), counted(600, 10, start_s=6)], 1_600),
    "comes late": ([counted(1_000, 5), counted(700, 4), counted(1_100, 6)], 1_100),
    "two that start apart": ([counted(1_000, 5), counted(50, 6, start_s=1), counted(1_200, 7)], 1_250),
    "two attributes": ([counted(1_000, 5), counted(400, 6, attributes={"query": "side"}), counted(1_001, 7)], 1_401),
    "says no number between": ([counted(1_000, 5), counted(-1, 6), counted(1_100, 7)], 1_100),
    "begins at nothing": ([counted(0, 5), counted(300, 6)], 300),
    "not monotonic": ([counted(1_000, 5, is_monotonic=False)], 0),
}


@pytest.mark.parametrize("case", GROWN)
def test_what_counts_up_from_a_start_bills_what_it_grew_by(case: str, data: DataDir) -> None:
    history, tokens = GROWN[case]
    journal(data, *history)
    post(data, batch_events_max=1)
    assert ask(data, "SELECT coalesce(sum(input_tokens), 0)::INT FROM calls") == [(tokens,)]
    assert conserved(data) == tokens * usd("0.00000015")


NEVER: dict[str, dict[str, object]] = {
    "a histogram": {"kind": "histogram", "value": 1_000},
    "a gauge": {"kind": "gauge", "temporality": None},
    "no temporality": {"temporality": None},
    "no meter": {"meter": None},
    "a negative": {"value": -1_000},
    "a fraction of a token": {"value": "0.5"},
    "more than there is": {"value": "1e300"},
}


@pytest.mark.parametrize("case", NEVER)
def test_what_is_no_counter_of_tokens_or_usd_books_nothing_and_is_listed(case: str, data: DataDir) -> None:
    journal(data, points({**point(INPUT, 1_000), **NEVER[case]}))
    post(data)
    assert ask(data, "SELECT count(*) FROM metrics") == [(1,)]
    assert ask(data, "SELECT count(*) FROM charges") == [(0,)]
    assert ask(data, "SELECT count(*) FROM calls") == [(0,)]


SAME: dict[str, tuple[dict[str, object], Draft]] = {
    "conversation": (TALK, request(call(1, 1, **TALK))),
    "conversation of a log": (TALK, records(log(None, **TALK))),
    "inherited conversation": (TALK, request(call(1, 1, 2), {**agent(1, 2), **TALK})),
    "instance": ({"instance": "a"}, request(call(1, 1, instance="a"))),
    "instance of a log": ({"instance": "a"}, records(log(None, instance="a"))),
    "service": ({}, request(call(1, 1, **TALK, instance="a"))),
    "tool": (TALK, request(call(1, 1, **TALK), {**call(1, 2), "operation": "tool", **TALK})),
}
OTHER: dict[str, tuple[dict[str, object], Draft]] = {
    "conversation": (TALK, request(call(1, 1, conversation_id="other", instance="a"))),
    "conversation of another service": (TALK, request(call(1, 1, **TALK, service_name="other"))),
    "conversation of another tenant": (TALK, request(call(1, 1, **TALK), tenant="other")),
    "an instance of the name": ({"instance": "talk"}, request(call(1, 1, **TALK))),
    "conversation, though the instance is": ({**TALK, "instance": "a"}, request(call(1, 1, instance="a"))),
    "no call": (TALK, request({**call(1, 1), "operation": "other", **TALK})),
    "no call of a log": (TALK, records(log(None, operation="other", **TALK))),
}


@pytest.mark.parametrize("order", ["metrics first", "views first"])
@pytest.mark.parametrize("case", SAME)
def test_where_views_tell_of_the_calls_metrics_come_to_nothing(case: str, order: str, data: DataDir) -> None:
    whose, views = SAME[case]
    sent = [points(*both(1, **whose)), points(*both(2, **whose)), views]
    journal(data, *(sent if order == "metrics first" else sent[::-1]), points(*both(3, **whose)))
    post(data)
    assert conserved(data) == CALL_USD
    assert ask(data, "SELECT DISTINCT signal FROM calls") != [("metric",)]
    assert ask(data, "SELECT count(*) FROM calls WHERE signal = 'metric'") == [(0,)]
    first = order == "metrics first"
    assert ask(data, WHY) == [(False, "told_by_views")] * 2 * first
    assert ask(data, "SELECT sum(cost_usd) FROM charges_as_of(3)") == [(2 * CALL_USD if first else CALL_USD,)]
    back = "SELECT count(*) FROM charges WHERE entry = 'reversal' AND signal = 'metric'"
    assert ask(data, f"{back} AND reverses IN (SELECT charge_id FROM charges)") == [(4 * first,)]


@pytest.mark.parametrize("order", ["metrics first", "views first"])
@pytest.mark.parametrize("case", OTHER)
def test_where_views_tell_of_the_calls_of_others_metrics_bill(case: str, order: str, data: DataDir) -> None:
    whose, views = OTHER[case]
    sent = [points(*both(1, **whose)), views]
    journal(data, *(sent if order == "metrics first" else sent[::-1]), points(*both(2, **whose)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM calls WHERE signal = 'metric'") == [(2 * CALL_USD,)]


def test_only_the_last_readings_are_taken_back(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metered, "READINGS_MAX", 2)
    journal(data, *(points(*both(at_s)) for at_s in range(1, 5)), request(call(1, 1)))
    post(data, batch_events_max=2)
    assert [reason for _, reason in ask(data, WHY)] == ["sole_view", "sole_view", "told_by_views", "told_by_views"]
    assert conserved(data) == 3 * CALL_USD


def test_a_re_rating_reprices_what_metrics_bill_and_leaves_what_was_taken_back(data: DataDir) -> None:
    elsewhere = points(*both(1, service_name="else"))
    journal(data, points(*both(1, **TALK)), elsewhere, BOOK, request(call(1, 1, **TALK)), order(4, EVER))
    post(data, batch_events_max=1, open_spans_max=1)
    by_reason = """
SELECT v.signal, v.reason, sum(c.cost_usd), count(*) FILTER (WHERE c.entry = 'rerate')
FROM charges AS c JOIN call_views AS v ON v.view_id = c.call_id GROUP BY ALL ORDER BY ALL
"""
    assert ask(data, by_reason) == [  # the book doubles the price
        ("metric", "sole_view", 2 * CALL_USD, 2),
        ("metric", "told_by_views", 0, 0),
        ("span", "sole_view", 2 * CALL_USD, 0),
    ]
    assert conserved(data) == 4 * CALL_USD


meters = st.builds(
    lambda meter, value, at_s, start, kind, whose, model: point(
        meter,
        value if meter != COST else str(value / 1000),
        at_s,
        name="gen_ai.usage.cost" if meter == COST else "tokens",
        start_ns=EPOCH_NS + start * SECOND,
        temporality=kind,
        request_model=model,
        **whose,
    ),
    meter=st.sampled_from([INPUT, FRESH_INPUT, OUTPUT, CACHE_READ, COST]),
    value=st.sampled_from([0, 10, 1_000, 1_500]),
    at_s=st.integers(1, 3),
    start=st.sampled_from([0, 0, 1]),
    kind=st.sampled_from(["delta", "cumulative"]),
    whose=st.sampled_from([{}, TALK, {"conversation_id": "other"}, {"instance": "a"}]),
    model=st.sampled_from(["gpt-4o-mini", "gpt-4o"]),
)
views = st.builds(
    lambda number, parent, whose, operation: {**call(1, number, parent, operation=operation), **whose},
    number=st.integers(1, 3),
    parent=st.none() | st.integers(1, 3),
    whose=st.sampled_from([{"service_name": "else"}, TALK, {"instance": "a"}]),
    operation=st.sampled_from(["chat", "agent", "other"]),
)
requests = st.one_of(
    st.lists(meters, min_size=1, max_size=4).map(lambda said: points(*said)),
    st.lists(meters, min_size=1, max_size=4).map(lambda said: points(*said)),
    st.lists(views, min_size=1, max_size=2).map(lambda said: request(*said)),
    st.sampled_from([TALK, {"service_name": "else"}]).map(lambda whose: records(log(None, **whose))),
    st.builds(order, st.integers(1, 9), st.just(EVER)),
    st.just(BOOK),
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(requests, min_size=2, max_size=9))
def test_however_metrics_and_views_are_batched_and_remembered_they_give_equal_rows_and_sums(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("batches") / "data")
    journal(data, *history)
    post(data, batch_events_max=1)
    expected = digests(data)
    conserved(data)
    for options in ({"batch_events_max": 3}, {"batch_events_max": 7}, {}, {"batch_events_max": 1, "open_spans_max": 1},
                    {"batch_events_max": 3, "open_spans_max": 1}):  # fmt: skip
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected, options

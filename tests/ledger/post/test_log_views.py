"""Log records that report calls: beside the span of the same call, instead of it, and without any trace.

A call of `plain` costs 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD by the price book.
"""

from decimal import Decimal
from hashlib import sha256

import pytest

from ledger.calls.ids import field
from ledger.calls.span_logs import LOGS_MAX
from ledger.paths import DataDir
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from queries.connect import connect
from queries.narrow import of_run
from queries.replay.replay import content, replay
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, log, records, request, same_span, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post

TOTAL = "SELECT sum(cost_usd) FROM charges"
COST = {"reported_cost_usd": "0.0005", "reported_source": "cost_usd_micros"}


@pytest.mark.parametrize("order", ["span first", "log first"])
def test_a_span_bills_its_tokens_and_its_log_says_what_they_cost(order: str, data: DataDir) -> None:
    sent = [request(call(1, 2, 1, response_id="r1")), records(log(1, 1, response_id="r1", **COST))]
    journal(data, *(sent if order == "span first" else sent[::-1]))
    post(data)
    assert ask(data, TOTAL) == [(Decimal("0.0005"),)]
    assert ask(data, "SELECT signal, cost_usd, computed_cost_usd, reported_cost_usd, reported_source FROM calls") == [
        ("span", Decimal("0.0005"), CALL_USD, Decimal("0.0005"), "cost_usd_micros")
    ]
    # 0.0005 - 0.00021
    assert ask(data, "SELECT sum(cost_usd) FROM charges WHERE basis = 'reported'") == [(Decimal("0.00029"),)]
    assert ask(data, "SELECT signal, billed, reason FROM call_views ORDER BY signal") == [
        ("log", False, "same_response"),
        ("span", True, "knows_most_of_call"),
    ]
    assert ask(data, "SELECT sum(calls)::INT, sum(cost_usd) FROM cost_by_model") == [(1, Decimal("0.0005"))]
    assert ask(data, "SELECT spans, model_calls, input_tokens, cost_usd FROM runs") == [
        (1, 1, 1_000, Decimal("0.0005"))
    ]


def test_a_log_that_knows_more_tokens_bills_and_the_spans_figure_goes(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 2, 1, output_tokens=None, **COST)),
        records(log(1, 2, reasoning_tokens=50)),
    )
    post(data)
    assert ask(data, TOTAL) == [(Decimal("0.0005"),)]  # the tokens of the log, and what the span says they cost
    assert ask(data, "SELECT signal, output_tokens FROM calls") == [("log", 100)]
    assert ask(data, "SELECT signal, billed, reason FROM call_views ORDER BY signal") == [
        ("log", True, "knows_most_of_call"),
        ("span", False, "same_span"),
    ]


def test_logs_of_an_agents_span_are_calls_of_that_agent_until_their_spans_come(data: DataDir) -> None:
    told = [log(1, 1, response_id=f"r{n}", time_ns=EPOCH_NS + n * SECOND) for n in (1, 2)]
    journal(data, records(*told), request(agent(1, 1)), request(call(1, 2, 1, response_id="r1")))
    post(data)
    assert ask(data, TOTAL) == [(2 * CALL_USD,)]
    assert ask(data, "SELECT agent_name, signal, count(*) FROM calls GROUP BY ALL ORDER BY ALL") == [
        ("planner", "log", 1),
        ("planner", "span", 1),
    ]
    assert ask(data, "SELECT agent_name, spans, model_calls, cost_usd FROM runs") == [("planner", 2, 2, 2 * CALL_USD)]
    assert ask(data, "SELECT model_calls, cost_usd FROM runs_as_of(2)") == [(2, 2 * CALL_USD)]
    live = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == live


def test_two_events_of_one_span_are_one_call_and_one_event_twice_is_two(data: DataDir) -> None:
    at = {"time_ns": EPOCH_NS + 2 * SECOND}
    journal(
        data,
        records(log(1, 2), log(1, 2, event_name="details")),  # beside the span: one call
        request(call(1, 2)),
        records(log(1, 2, **at)),  # another request of the same span
    )
    post(data)
    assert ask(data, TOTAL) == [(2 * CALL_USD,)]
    assert ask(data, "SELECT signal, views FROM calls ORDER BY signal") == [("log", 1), ("span", 3)]


def test_of_more_logs_of_one_span_than_are_compared_each_is_a_call(data: DataDir) -> None:
    names = [log(1, 2, event_name=f"event {n}") for n in range(LOGS_MAX + 2)]
    journal(data, request(call(1, 2)), *(records(name) for name in names))
    post(data)
    assert ask(data, "SELECT signal, views FROM calls ORDER BY ALL") == [("log", 1), ("log", 1), ("span", 1 + LOGS_MAX)]


def test_a_log_without_a_trace_is_a_call_of_its_own_and_folds_when_its_span_comes(data: DataDir) -> None:
    journal(data, records(log(None, response_id="r1", **COST), log(None, response_id="r2")), request(call(1, 1)))
    journal(data, request(call(7, 3, response_id="r1")))
    post(data, batch_events_max=1, open_spans_max=1)
    assert ask(data, "SELECT signal, trace_id IS NULL, span_id IS NULL, cost_usd FROM calls ORDER BY ALL") == [
        ("log", True, True, CALL_USD),
        ("span", False, False, CALL_USD),
        ("span", False, False, Decimal("0.0005")),
    ]
    assert ask(data, TOTAL) == [(2 * CALL_USD + Decimal("0.0005"),)]
    assert ask(data, "SELECT count(*) FROM run_traces") == [(2,)]  # of spans


def test_the_id_of_a_log_view_is_made_of_its_content_hash(data: DataDir) -> None:
    journal(data, records(log(1, 2, response_id="r1")), request(call(1, 3, response_id="r1")))
    post(data)
    [(content_hash,)] = ask(data, "SELECT content_hash FROM logs")
    identity = field(b"log") + field(b"default") + field(bytes.fromhex(str(content_hash)))
    expected = sha256(identity).hexdigest()[:32]
    assert ask(data, "SELECT view_id, call_id FROM call_views WHERE signal = 'log'") == [(expected, expected)]
    assert ask(data, "SELECT DISTINCT call_id FROM calls") == [(expected,)]  # its earliest view names the call
    assert ask(data, "SELECT DISTINCT call_id FROM charges") == [(expected,)]
    assert ask(data, "SELECT duplicate_of = (SELECT view_id FROM call_views WHERE signal = 'span') FROM call_views "
        "WHERE signal = 'log'") == [(True,)]  # fmt: skip


def test_what_reports_no_tokens_and_no_cost_is_no_view(data: DataDir) -> None:
    nothing = {"usage_status": "missing", "input_tokens": None, "output_tokens": None}
    journal(data, records(log(1, 2, **nothing), log(1, 2, operation="tool", event_name="tool_result")))
    post(data)
    assert ask(data, "SELECT count(*) FROM logs") == [(2,)]
    assert ask(data, "SELECT count(*) FROM call_views") == [(0,)]


def test_the_same_log_in_two_requests_is_one_call(data: DataDir) -> None:
    journal(data, records(log(1, 1)), records(log(1, 1), log(1, 1)))
    post(data)
    assert ask(data, TOTAL) == [(CALL_USD,)]
    assert ask(data, "SELECT logs, duplicates FROM events WHERE kind = 'otlp.logs' ORDER BY event_seq") == [
        (1, 0),
        (0, 2),
    ]


def test_a_run_of_spans_and_logs_is_replayed_with_all_its_money(data: DataDir) -> None:
    later = {"time_ns": EPOCH_NS + 3 * SECOND, "duration_ns": SECOND}
    journal(data, request(agent(1, 1), span(1, 2, 1, operation="tool")), records(log(1, 1, **later, body="asked")))
    post(data)
    [(run_id,)] = ask(data, "SELECT run_id FROM runs")
    with connect(data) as connection:
        with of_run(connection, str(run_id)) as narrow:
            found = replay(narrow, str(run_id))
        steps = [(s["signal"], s["name"], s["parent_span_id"], s["cost_so_far_usd"]) for s in found.steps]
        assert steps == [
            ("span", "span", None, 0),
            ("span", "span", "0000000000000001", 0),
            ("log", "api_request", "0000000000000001", CALL_USD),
        ]
        assert found.steps[2]["start_ns"] == EPOCH_NS + 2 * SECOND
        assert found.run["cost_usd"] == CALL_USD
        full = content(connection, str(run_id), found.steps[2])
    assert (full["input"], full["billed"], full["billed_reason"]) == ("asked", True, "sole_view")
    assert sum(Decimal(str(line["cost_usd"])) for line in full["charges"]) == CALL_USD  # type: ignore[union-attr]


def test_a_span_with_the_id_of_a_log_is_not_taken_for_it(data: DataDir) -> None:
    journal(data, records(log(1, None)))
    post(data)
    [(content_hash,)] = ask(data, "SELECT content_hash FROM logs")
    journal(data, request(call(1, int(str(content_hash)[:16], 16))))
    post(data)
    assert ask(data, TOTAL) == [(2 * CALL_USD,)]
    assert ask(data, "SELECT count(*) FROM conflicts") == [(0,)]

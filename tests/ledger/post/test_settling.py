"""What agents' spans know of beyond the calls below them is booked once their run is settled, and taken back by
whatever comes later; a run whose top never arrives is incomplete from then on.

A thousand tokens in and a hundred out of gpt-4o-mini cost 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD (CALL_USD).
"""

from decimal import Decimal

import pytest

from ledger.journal.frame import Draft
from ledger.journal.kinds import RUN_SETTLED
from ledger.paths import DataDir
from ledger.post import poster
from ledger.post.settling import Settling, settling_body
from tests.ledger.post.plain import agent, call, points, request, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_metered import both, conserved
from tests.ledger.post.test_rerating import BOOK, EVER, order

CALLS = "SELECT signal, agent_name, input_tokens, output_tokens, cost_usd FROM calls ORDER BY source_seq, span_index"
VIEWS = "SELECT reason, billed FROM call_views WHERE signal = 'settlement' ORDER BY source_seq, span_index"
STATES = "SELECT state FROM runs_as_of({}) ORDER BY run_id"
SETTLED = ("beyond_calls", True)


def settle(through: int, first: int = 0) -> Draft:
    """An event that settles what was touched last from the event `first` to `through`."""
    body = settling_body(Settling(first, through))
    return Draft(kind=RUN_SETTLED, body=body, key=f"settled:{first}:{through}", transport="control")


def knowing(trace: int, number: int, parent: int | None = None, *, calls: int, **fields: object) -> dict[str, object]:
    """A span of an agent that knows of the tokens of so many `call`s."""
    tokens = {"input_tokens": 1_000 * calls, "output_tokens": 100 * calls}
    return {**agent(trace, number, parent), "provider": "openai", "request_model": "gpt-4o-mini", **tokens, **fields}


def views(data: DataDir) -> list[tuple[object, ...]]:
    return ask(
        data, "SELECT reason, billed FROM call_views WHERE signal = 'settlement' ORDER BY source_seq, span_index"
    )


def test_what_an_agent_knows_beyond_the_calls_below_it_is_booked_when_its_run_is_settled(data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=3), call(1, 2, 1)), settle(2))
    post(data)
    assert ask(data, CALLS) == [
        ("span", "planner", 1_000, 100, CALL_USD),
        ("settlement", "planner", 2_000, 200, 2 * CALL_USD),
    ]
    assert ask(data, "SELECT basis, sum(cost_usd), count(*) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("computed", CALL_USD, 2),
        ("residual", 2 * CALL_USD, 2),
    ]
    assert ask(data, "SELECT cost_usd, model_calls, input_tokens, state FROM runs") == [
        (3 * CALL_USD, 2, 3_000, "complete")
    ]
    assert ask(data, "SELECT cost_usd, model_calls FROM runs_as_of(2)") == [(CALL_USD, 1)]
    assert conserved(data) == 3 * CALL_USD


def test_the_residual_names_the_span_that_knew_of_it(data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=3), call(1, 2, 1)), settle(2))
    post(data)
    of_span = (
        "SELECT r.event_seq, r.span_seq, r.span_index, s.name FROM residuals r JOIN spans s USING (trace_id, span_id)"
    )
    assert ask(data, of_span) == [(3, 2, 0, "span")]
    of_call = "SELECT count(*) FROM residuals r JOIN calls c ON c.call_id = r.view_id AND c.span_id = r.span_id"
    assert ask(data, of_call) == [(1,)]


def test_parts_of_the_tokens_are_what_the_span_knows_of_them_beyond_the_calls(data: DataDir) -> None:
    top = knowing(1, 1, calls=3, cache_read_tokens=500, reasoning_tokens=1_000)
    journal(data, request(top, call(1, 2, 1, cache_read_tokens=400)), settle(2))
    post(data)
    found = "SELECT cache_read_tokens, cache_write_tokens, reasoning_tokens FROM residuals"
    assert ask(data, found) == [(100, None, 200)]  # no more of reasoning than there is of output


def test_without_any_call_below_all_that_the_agent_knows_is_booked(data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=1)), settle(2))
    post(data)
    assert ask(data, CALLS) == [("settlement", "planner", 1_000, 100, CALL_USD)]
    assert ask(data, "SELECT model_calls, spans, repeats FROM base.run_parts ORDER BY event_seq DESC LIMIT 1") == [
        (1, 1, 0)
    ]


def test_a_residual_without_a_model_is_listed_and_not_priced(data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=1, provider=None, request_model=None)), settle(2))
    post(data)
    assert ask(data, "SELECT cost_usd, cost_status FROM calls") == [(None, "unpriced")]


@pytest.mark.parametrize("beyond", [0, 1, 4])
def test_what_views_of_one_call_may_differ_by_is_no_residual(beyond: int, data: DataDir) -> None:
    top = knowing(1, 1, calls=2) | {"input_tokens": 2_000 + beyond}
    journal(data, request(top, call(1, 2, 1), call(1, 3, 1)), settle(2))
    post(data)
    assert ask(data, "SELECT count(*) FROM residuals") == [(0,)]
    assert conserved(data) == 2 * CALL_USD


def test_an_agent_that_knows_of_less_than_the_calls_below_it_books_nothing(data: DataDir) -> None:
    # Pydantic AI's agents leave out what their sub-agents used.
    inner = [knowing(1, 2, 1, calls=2, agent_name="inner"), call(1, 3, 2), call(1, 4, 2)]
    journal(data, request(knowing(1, 1, calls=1), *inner, call(1, 5, 1)), settle(2))
    post(data)
    assert ask(data, "SELECT count(*) FROM residuals") == [(0,)]


def test_what_an_inner_agent_knows_is_not_booked_on_the_outer_one_as_well(data: DataDir) -> None:
    inner = [knowing(1, 2, 1, calls=2, agent_name="inner"), call(1, 3, 2)]
    journal(data, request(knowing(1, 1, calls=3), *inner, call(1, 4, 1)), settle(2))
    post(data)
    settled = "SELECT agent_name, input_tokens, cost_usd FROM calls WHERE signal = 'settlement'"
    assert ask(data, settled) == [("inner", 1_000, CALL_USD)]
    assert conserved(data) == 3 * CALL_USD


def test_a_span_that_is_no_agent_and_no_workflow_books_nothing(data: DataDir) -> None:
    said = {"input_tokens": 5_000, "output_tokens": 500}
    journal(
        data,
        request(span(1, 1, operation="chain", **said), span(1, 2, 1, operation="tool", **said), call(1, 3, 2)),
        settle(2),
    )
    post(data)
    assert ask(data, "SELECT count(*) FROM residuals") == [(0,)]


@pytest.mark.parametrize("open_spans_max", [1, 1_000])
def test_a_span_that_comes_later_takes_the_residual_back_until_the_run_is_settled_anew(
    open_spans_max: int, data: DataDir
) -> None:
    journal(data, request(knowing(1, 1, calls=3), call(1, 2, 1)), settle(2), request(call(1, 3, 1)), settle(4))
    post(data, open_spans_max=open_spans_max)
    assert views(data) == [("settled_anew", False), SETTLED]
    total = "SELECT sum(cost_usd) FROM charges_as_of({})"
    assert [ask(data, total.format(seq))[0][0] for seq in (2, 3, 4, 5)] == [
        CALL_USD,
        3 * CALL_USD,
        2 * CALL_USD,
        3 * CALL_USD,
    ]
    back = (
        "SELECT count(*), sum(cost_usd) FROM charges WHERE entry = 'reversal' AND basis = 'residual' AND event_seq = 4"
    )
    assert ask(data, back) == [(2, -2 * CALL_USD)]
    assert conserved(data) == 3 * CALL_USD


def test_what_was_touched_after_the_stretch_is_not_settled(data: DataDir) -> None:
    journal(
        data,
        request(knowing(1, 1, calls=3)),
        request(call(1, 2, 1)),
        settle(2),
        request(knowing(2, 1, calls=1)),
        settle(5, 5),
    )
    post(data)
    assert ask(data, "SELECT DISTINCT trace_id FROM residuals") == [("2".zfill(32),)]


def test_settling_twice_books_once(data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=1)), settle(2), settle(3), settle(3))
    post(data)
    assert conserved(data) == CALL_USD
    assert ask(data, "SELECT event_seq FROM settlings") == [(3,), (4,)]


def test_an_open_run_is_incomplete_once_it_is_settled_and_open_again_when_more_comes(data: DataDir) -> None:
    journal(data, request(call(1, 2, 1)), settle(2), request(call(1, 3, 1)), request(call(2, 2, 1)), settle(4, 4))
    post(data)
    states = [[state for (state,) in ask(data, STATES.format(seq))] for seq in (2, 3, 4, 5, 6)]
    assert states == [["open"], ["incomplete"], ["open"], ["open", "open"], ["incomplete", "open"]] or states == [
        ["open"],
        ["incomplete"],
        ["open"],
        ["open", "open"],
        ["open", "incomplete"],
    ]
    assert ask(data, "SELECT state FROM runs ORDER BY run_id") == ask(data, STATES.format(6))


def test_a_run_is_settled_also_where_the_settlement_itself_touched_it(data: DataDir) -> None:
    top = {**knowing(1, 2, 1, calls=1), "operation": "workflow"}
    journal(data, request(top, span(1, 3, 2)), settle(2))
    post(data)
    assert ask(data, "SELECT state, cost_usd FROM runs") == ask(data, "SELECT state, cost_usd FROM runs_as_of(3)")


def test_a_settlement_tells_of_the_calls_that_metrics_count(data: DataDir) -> None:
    journal(data, points(*both()), request(knowing(1, 1, calls=1)), settle(3))
    post(data)
    assert conserved(data) == CALL_USD
    assert ask(data, "SELECT signal FROM calls") == [("settlement",)]


def test_a_re_rating_keeps_the_basis_of_a_residual(data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=1)), settle(2), BOOK, order(4, EVER))
    post(data)
    assert conserved(data) == 2 * CALL_USD  # the book doubles the price
    assert ask(data, "SELECT DISTINCT basis FROM charges") == [("residual",)]


def test_more_traces_than_one_event_settles_are_left_to_the_next(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "TRACES_MAX", 2)
    journal(data, *(request(knowing(trace, 1, calls=1)) for trace in (1, 2, 3)), settle(4), settle(5))
    post(data)
    assert ask(data, "SELECT event_seq, count(*) FROM residuals GROUP BY ALL ORDER BY ALL") == [(5, 2), (6, 1)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{}", "an object with from_seq, through_seq expected"),
        (settling_body(Settling(0, 3)), "is no stretch before 3"),
        (settling_body(Settling(2, 1)), "is no stretch before 3"),
        (b'{"from_seq":0,"through_seq":true}', "through_seq 'True' is no number of an event"),
        (b'{"from_seq":-1,"through_seq":1}', "from_seq '-1' is no number of an event"),
    ],
)
def test_an_event_that_settles_nothing_is_quarantined_with_the_reason(body: bytes, says: str, data: DataDir) -> None:
    journal(data, request(knowing(1, 1, calls=1)), Draft(kind=RUN_SETTLED, body=body, transport="control"))
    post(data)
    [(reason,)] = ask(data, "SELECT reason FROM quarantine")
    assert says in str(reason)
    assert ask(data, "SELECT count(*) FROM charges") == [(0,)]


def test_what_was_settled_is_in_no_loop_and_no_tools_result(data: DataDir) -> None:
    journal(data, request(*(knowing(1, number, calls=1) for number in range(1, 9))), settle(2))
    post(data)
    assert ask(data, "SELECT count(*) FROM calls") == [(8,)]
    assert ask(data, "SELECT count(*) FROM loops") == [(0,)]
    assert conserved(data) == Decimal(8) * CALL_USD

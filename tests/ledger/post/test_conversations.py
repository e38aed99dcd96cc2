"""Runs of conversations: what is 15 minutes apart or less is one run, whatever came first."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from queries.narrow import BY_TRACE, SUMMARY, of_run
from queries.replay.replay import replay
from queries.runs import one_run
from tests.ledger.calls.test_intervals import runs
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, log, records, request, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.shown import shown

MINUTE = 60 * SECOND


def at(minute: int, minutes: int = 0) -> dict[str, object]:
    """A call of the conversation `talk`, as long as it says."""
    return {
        "conversation_id": "talk",
        "start_ns": EPOCH_NS + minute * MINUTE,
        "end_ns": EPOCH_NS + (minute + minutes) * MINUTE,
    }


def said(trace: int, minute: int, **fields: object) -> Draft:
    return request(call(trace, 1, **at(minute) | fields))


def traces_of_runs(data: DataDir) -> set[frozenset[int]]:
    rows = ask(data, "SELECT list(DISTINCT CAST('0x' || trace_id[-6:] AS INTEGER)) FROM run_traces GROUP BY run_id")
    return {frozenset(map(int, row[0])) for row in rows}  # type: ignore[call-overload]


def test_calls_of_a_conversation_are_one_run_up_to_a_silence_of_more_than_15_minutes(data: DataDir) -> None:
    journal(data, said(1, 0), said(2, 15), said(3, 31), said(4, 20, conversation_id="other"), said(5, 10))
    post(data)
    assert traces_of_runs(data) == {frozenset({1, 2, 5}), frozenset({3}), frozenset({4})}
    assert ask(data, "SELECT DISTINCT run_rule FROM calls") == [("conversation",)]
    found = ask(data, "SELECT conversation_id, model_calls, cost_usd FROM runs ORDER BY started_at, conversation_id")
    assert found == [("talk", 3, 3 * CALL_USD), ("other", 1, CALL_USD), ("talk", 1, CALL_USD)]


def test_a_call_between_two_runs_makes_them_one_which_both_ids_lead_to(data: DataDir) -> None:
    journal(data, said(1, 0), said(2, 30), said(3, 60), said(4, 15))
    post(data, batch_events_max=1)
    assert traces_of_runs(data) == {frozenset({1, 2, 4}), frozenset({3})}
    whole = ask(data, "SELECT run_id, spans, model_calls, cost_usd FROM runs ORDER BY spans")[-1]
    assert whole[1:] == (3, 3, 3 * CALL_USD)
    assert ask(data, f"SELECT count(*), sum(cost_usd) FROM calls WHERE run_id = '{whole[0]}'") == [(3, 3 * CALL_USD)]
    assert ask(data, f"SELECT sum(cost_usd) FROM charges WHERE run_id = '{whole[0]}'") == [(3 * CALL_USD,)]
    assert ask(data, "SELECT count(*) FROM charges WHERE entry <> 'booked'") == [(0,)]
    ((alias, heir),) = ask(data, "SELECT alias_id, run_id FROM run_aliases")
    assert heir == whole[0]
    before = "SELECT run_id FROM runs_as_of(4) WHERE spans = 1 ORDER BY started_at"
    assert [alias in row for row in ask(data, before)].count(True) == 1


@pytest.mark.parametrize("tables", [BY_TRACE, SUMMARY])
def test_each_id_of_runs_that_became_one_finds_it_whole(data: DataDir, tables: tuple[str, ...]) -> None:
    journal(data, said(1, 0), said(2, 30), said(3, 60), said(4, 15), said(5, 45), said(6, 300))
    post(data, batch_events_max=1)
    ids = [str(row[0]) for row in ask(data, "SELECT DISTINCT lower(hex(run_id)) FROM base.placements")]
    found = []
    with shown(data) as connection:
        for run_id in ids:
            with of_run(connection, run_id, tables) as narrow:
                found.append((one_run(narrow, run_id)["run_id"], one_run(narrow, run_id)["spans"]))
                assert tables == SUMMARY or len(replay(narrow, run_id).steps) == found[-1][1]
    assert len(ids) == 4
    assert sorted(spans for _, spans in found) == [1, 5, 5, 5]
    assert len({run for run, _ in found}) == 2


def test_a_loop_in_runs_that_became_one_is_one_loop_of_that_run(data: DataDir) -> None:
    journal(data, said(1, 0), said(2, 30), said(3, 15))
    post(data, batch_events_max=1)
    loops = ask(data, "SELECT run_id, repeats, cost_usd, cost_since_usd FROM loops")
    assert loops == [(*ask(data, "SELECT run_id FROM runs")[0], 3, 3 * CALL_USD, 2 * CALL_USD)]


def test_an_agent_that_turns_up_in_a_trace_takes_it_out_of_the_run_of_the_conversation(data: DataDir) -> None:
    journal(data, said(1, 0), said(2, 10), request(agent(2, 2)), request(call(2, 3, 2, **at(11))))
    post(data, batch_events_max=1)
    assert ask(data, "SELECT run_rule, count(*) FROM calls GROUP BY ALL ORDER BY 1") == [
        ("agent", 1),
        ("conversation", 1),
        ("trace", 1),
    ]
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(3 * CALL_USD,)]


def test_calls_whose_parents_are_still_to_come_are_not_taken_for_runs_of_their_conversation(data: DataDir) -> None:
    journal(data, request(call(1, 2, 1, **at(0))), request(call(2, 2, 1, **at(1))))
    post(data)
    assert ask(data, "SELECT DISTINCT run_rule FROM calls") == [("trace",)]


def test_a_parent_that_arrives_late_makes_its_trace_a_part_of_the_conversation(data: DataDir) -> None:
    late = request(span(1, 1, conversation_id="talk"))
    journal(data, request(call(1, 2, 1, **at(0) | {"conversation_id": None})), said(2, 1), late)
    post(data, batch_events_max=1)
    assert ask(data, "SELECT run_rule, count(*), count(DISTINCT run_id) FROM calls GROUP BY ALL") == [
        ("conversation", 2, 1)
    ]
    assert ask(data, "SELECT spans, cost_usd FROM runs") == [(3, 2 * CALL_USD)]


@pytest.mark.parametrize("talk", [None, "other"])
def test_a_trace_in_which_calls_name_several_conversations_or_some_none_is_a_run_by_itself(
    data: DataDir, talk: str | None
) -> None:
    journal(data, said(1, 0), request(call(1, 2, **at(1) | {"conversation_id": talk})), said(2, 2))
    post(data, batch_events_max=1)
    assert ask(data, "SELECT run_rule, count(*) FROM calls GROUP BY ALL ORDER BY 1") == [
        ("conversation", 1),
        ("trace", 2),
    ]


def test_log_records_without_a_trace_that_report_calls_of_a_conversation_are_one_run(data: DataDir) -> None:
    times = [{"time_ns": EPOCH_NS + minute * MINUTE} for minute in (0, 5, 60)]
    journal(data, records(*(log(None, conversation_id="talk", **time) for time in times)))
    post(data)
    assert ask(data, "SELECT model_calls, cost_usd FROM runs ORDER BY 1") == [(1, CALL_USD), (2, 2 * CALL_USD)]


def test_a_log_record_that_names_its_turn_goes_by_that_and_not_by_its_conversation(data: DataDir) -> None:
    times = [{"time_ns": EPOCH_NS + minute * MINUTE, "turn_id": f"turn {minute // 2}"} for minute in (0, 1, 2)]
    journal(data, records(*(log(None, conversation_id="talk", **time) for time in times)))
    post(data)
    assert ask(data, "SELECT model_calls FROM runs ORDER BY 1") == [(1,), (2,)]


def test_conversations_of_two_tenants_are_two_runs(data: DataDir) -> None:
    journal(data, said(1, 0), request(call(2, 1, **at(0)), tenant="other"))
    post(data)
    assert ask(data, "SELECT tenant, model_calls FROM runs ORDER BY 1") == [("default", 1), ("other", 1)]


def test_a_call_with_a_clock_that_is_wrong_by_years_joins_no_runs_but_its_own(data: DataDir) -> None:
    wrong = call(3, 1, conversation_id="talk", start_ns=1, end_ns=EPOCH_NS + 5_000 * MINUTE)
    journal(data, said(1, 0), said(2, 100), request(wrong), said(4, 2_000))
    post(data)
    assert traces_of_runs(data) >= {frozenset({1}), frozenset({2}), frozenset({4})}


talks = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), min_size=1, max_size=12)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talk=talks, batch=st.sampled_from([1, 3, 7, 100]))
def test_runs_are_the_conversation_cut_at_its_silences_in_whatever_order_it_comes(
    talk: list[tuple[int, int]], batch: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("talk") / "data")
    journal(data, *(request(call(n + 1, 1, **at(*when))) for n, when in enumerate(talk)))
    post(data, batch_events_max=batch)
    assert traces_of_runs(data) == {frozenset(n + 1 for n in run) for run in runs(talk)}
    spent = ask(data, "SELECT run_id, sum(cost_usd) FROM charges GROUP BY ALL ORDER BY 1")
    assert ask(data, "SELECT run_id, cost_usd FROM runs ORDER BY 1") == spent
    columns = "SELECT run_id, started_ns, ended_ns, state, spans, model_calls, cost_usd, conversation_id"
    assert ask(data, f"{columns} FROM runs ORDER BY 1") == ask(data, f"{columns} FROM runs_as_of(1000) ORDER BY 1")

"""Posting, end to end from a real journal to rows, with spans said in plain JSON."""

import shutil
from decimal import Decimal

import pytest

from ledger.books.book import PriceBook
from ledger.errors import Corrupt
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from queries.connect import connect
from queries.narrow import of_run
from queries.runs import one_run
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, request, same_span, span
from tests.ledger.post.posted import CALL_USD, ask, drain, journal, post


def test_a_call_is_charged_to_the_last_digit(data: DataDir) -> None:
    journal(data, request(call(1, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]
    assert ask(data, "SELECT agent_name, agent_rule, run_rule, cost_usd, cost_status FROM calls") == [
        ("svc", "provisional", "trace", CALL_USD, "priced")
    ]


def test_a_late_agent_span_takes_over_its_calls_and_the_sum_stays(data: DataDir) -> None:
    journal(data, request(*(call(1, n, 100) for n in range(1, 11))), request(agent(1, 100)))
    post(data)
    assert ask(data, "SELECT agent_name, run_rule, count(*), sum(cost_usd) FROM calls GROUP BY ALL") == [
        ("planner", "agent", 10, 10 * CALL_USD)
    ]
    assert ask(data, "SELECT agent_name, sum(cost_usd) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("planner", 10 * CALL_USD),
        ("svc", Decimal(0)),
    ]
    assert ask(data, "SELECT agent_name, sum(calls)::INT, sum(cost_usd) FROM cost_by_agent GROUP BY ALL") == [
        ("planner", 10, 10 * CALL_USD)
    ]
    assert ask(data, "SELECT agent_name, sum(cost_usd) FROM charges_as_of(2) GROUP BY ALL") == [("svc", 10 * CALL_USD)]
    assert ask(data, "SELECT DISTINCT agent_name FROM calls_as_of(2)") == [("svc",)]


def test_the_id_that_a_run_had_before_its_agent_was_known_still_leads_to_it(data: DataDir) -> None:
    journal(data, request(call(1, 1, 3), call(1, 2, 3)), request(agent(1, 3)))
    post(data)
    [(before,)] = ask(data, "SELECT run_id FROM runs_as_of(2)")
    [(now,)] = ask(data, "SELECT run_id FROM runs")
    assert before != now
    assert ask(data, "SELECT alias_id, run_id FROM run_aliases") == [(before, now)]
    with connect(data) as connection, of_run(connection, str(before)[:8]) as narrow:
        assert one_run(narrow, str(before)[:8])["cost_usd"] == 2 * CALL_USD


def test_a_reversal_names_the_line_that_it_takes_back(data: DataDir) -> None:
    journal(data, request(call(1, 1, 3)), request(agent(1, 3, 4)), request(agent(1, 4, name="boss")))
    post(data)
    assert ask(
        data,
        """SELECT count(*) FROM charges r JOIN charges b ON r.reverses = b.charge_id
           WHERE r.entry = 'reversal' AND r.cost_usd = -b.cost_usd AND r.unit = b.unit AND b.entry != 'reversal'""",
    ) == [(4,)]
    assert ask(data, "SELECT count(*) FROM charges WHERE entry = 'reversal'") == [(4,)]
    assert ask(data, "SELECT count(*), count(DISTINCT charge_id) FROM charges") == [(10, 10)]


def test_a_span_sent_again_is_counted_and_dropped(data: DataDir) -> None:
    journal(data, request(call(1, 1)), request(call(1, 1)), request(call(2, 1), call(1, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(2 * CALL_USD,)]
    assert ask(data, "SELECT spans, duplicates FROM events WHERE kind = 'otlp.traces' ORDER BY event_seq") == [
        (1, 0),
        (0, 1),
        (1, 1),
    ]
    assert ask(data, "SELECT count(*) FROM conflicts") == [(0,)]


def test_requests_sent_again_and_again_leave_nothing_in_memory(data: DataDir) -> None:
    journal(data, *[request(*(call(1, n) for n in range(1, 11)))] * 30)
    poster = Poster(data, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=4))
    drain(poster)
    assert len(poster._open.lines) == 20
    poster.close()
    assert ask(data, "SELECT sum(spans)::INT, sum(duplicates)::INT FROM events") == [(10, 290)]


def test_explicit_runs_survive_forgetting_and_their_texts_do_not_pile_up(data: DataDir) -> None:
    journal(
        data, *(request(call(n, 1, run_key=f"run-{n}")) for n in range(1, 31)), request(span(1, 2, 1, operation="tool"))
    )
    poster = Poster(
        data, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1, open_spans_max=3)
    )
    drain(poster)
    assert len(poster._open.texts.run) <= 4
    poster.close()
    assert ask(data, "SELECT run_rule, count(*), count(DISTINCT run_id) FROM calls GROUP BY ALL") == [
        ("explicit", 31, 30)
    ]


def test_other_content_under_the_same_identity_is_a_conflict_and_the_first_counts(data: DataDir) -> None:
    journal(data, request(call(1, 1)), request(call(1, 1, input_tokens=9)), request(call(2, 1), call(2, 1, name="x")))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(2 * CALL_USD,)]
    assert ask(data, "SELECT first_source_seq, source_seq, span_index FROM conflicts ORDER BY ALL") == [
        (2, 3, 0),
        (4, 4, 1),
    ]


def test_the_innermost_of_nested_model_spans_bills(data: DataDir) -> None:
    journal(data, request(call(1, 2, 1)), request(call(1, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]
    assert ask(data, "SELECT billed, reason FROM call_views ORDER BY span_id") == [
        (False, "outer_view_of_call"),
        (True, "innermost_view"),
    ]
    assert ask(data, "SELECT views FROM calls") == [(2,)]


def test_two_libraries_side_by_side_that_name_one_response_bill_it_once(data: DataDir) -> None:
    seen = {"start_ns": EPOCH_NS, "end_ns": EPOCH_NS + SECOND, "response_id": "msg_1"}
    told = call(1, 1, 9, **seen, scope_name="openinference.instrumentation.x", output_tokens=101)
    knows = call(1, 2, 9, **seen, scope_name="com.anthropic.sdk", cache_read_tokens=0)
    for n, order in enumerate(((told, knows), (knows, told))):
        one = DataDir(data.root.parent / f"one{n}")
        journal(one, *map(request, order))
        post(one)
        assert ask(one, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]  # of the view that knows the cache too
        assert ask(one, "SELECT billed, reason, duplicate_of IS NULL FROM call_views ORDER BY span_id") == [
            (False, "same_response", False),
            (True, "knows_most_of_call", True),
        ]
        assert ask(one, "SELECT views, span_id FROM calls") == [(2, "0000000000000002")]


def test_a_gateway_and_its_client_bill_one_response_once_and_on_the_client(data: DataDir) -> None:
    client = [agent(1, 1), call(1, 2, 1, response_id="resp_1", scope_name="sdk")]
    gateway = [call(2, 1, response_id="resp_1", scope_name="litellm", service_name="proxy", cache_read_tokens=0)]
    for n, order in enumerate(((client, gateway), (gateway, client))):
        one = DataDir(data.root.parent / f"gateway{n}")
        between = [span(9, 1)]  # puts the first out of a memory of one trace
        journal(one, *(request(*spans) for spans in (order[0], between, order[1])))
        post(one, batch_events_max=1)
        assert ask(one, "SELECT agent_name, cost_usd, views FROM calls") == [("planner", CALL_USD, 2)]
        assert ask(one, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]
        runs = "SELECT agent_name, model_calls, cost_usd, spans FROM runs WHERE model_calls > 0"
        assert ask(one, runs) == [("planner", 1, CALL_USD, 3)]
        of_calls = "FROM run_traces WHERE run_id IN (SELECT run_id FROM calls)"
        assert ask(one, f"SELECT count(DISTINCT trace_id), count(DISTINCT run_id) {of_calls}") == [(2, 1)]
        live = digests(one)
        forgetful = PosterOptions(batch_events_max=1, open_spans_max=1)
        rebuild(one, decode, same_span, clock=SystemClock(), options=forgetful)
        assert digests(one) == live


def test_the_same_response_id_a_day_later_or_of_another_model_is_another_call(data: DataDir) -> None:
    late = {"start_ns": EPOCH_NS + 90_000 * SECOND, "end_ns": EPOCH_NS + 90_001 * SECOND}
    journal(
        data,
        request(call(1, 1, response_id="r", scope_name="a")),
        request(call(2, 1, response_id="r", scope_name="b", **late)),
        request(call(3, 1, response_id="r", scope_name="c", request_model="gpt-4o")),
        request(call(4, 1, response_id="r", scope_name="d"), tenant="another"),
    )
    post(data)
    assert ask(data, "SELECT count(*), sum(views)::INT FROM calls") == [(4, 4)]


def test_two_spans_at_one_moment_below_one_parent_are_one_call_unless_one_library_sent_both(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 1, 9, scope_name="a"), call(1, 2, 9, scope_name="b")),
        request(call(2, 1, 9, scope_name="a"), call(2, 2, 9, scope_name="a")),
        request(call(3, 1, 9, scope_name="a"), call(3, 2, 9, scope_name="b", input_tokens=1_003)),
        request(call(4, 1, 9, scope_name="a"), call(4, 2, 8, scope_name="b")),
    )
    post(data)
    found = ask(data, "SELECT trace_id[-1:], count(*) FROM calls GROUP BY ALL ORDER BY ALL")
    assert found == [("1", 1), ("2", 2), ("3", 2), ("4", 2)]
    suspected = "SELECT trace_id[-1:], span_id[-1:] FROM call_views WHERE reason = 'suspected_duplicate'"
    assert ask(data, suspected) == [("1", "2")]


def test_one_library_that_repeats_its_response_ids_bills_every_call(data: DataDir) -> None:
    journal(data, *(request(call(1, n, 99, response_id="chatcmpl-mock")) for n in range(1, 12)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(11 * CALL_USD,)]


def test_a_tool_between_two_model_spans_makes_two_calls_of_one_even_late(data: DataDir) -> None:
    journal(data, request(call(1, 1), call(1, 3, 2)), request(span(1, 2, 1, operation="chain")), request(call(2, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(2 * CALL_USD,)]
    other = data.root.parent / "tool"
    journal(DataDir(other), request(call(1, 1), call(1, 3, 2)), request(span(1, 2, 1, operation="tool")))
    post(DataDir(other))
    assert ask(DataDir(other), "SELECT count(*), sum(cost_usd) FROM calls WHERE kind = 'model'") == [(2, 2 * CALL_USD)]


def test_unknown_usage_is_listed_and_never_zero(data: DataDir) -> None:
    journal(
        data,
        request(span(1, 1, operation="chat", request_model="gpt-4o-mini", provider="openai", usage_status="missing")),
    )
    post(data)
    assert ask(data, "SELECT cost_usd, cost_status FROM calls") == [(None, "unpriced")]
    assert ask(data, "SELECT unit, quantity, cost_usd, status FROM charges") == [("unknown", None, None, "unpriced")]
    assert ask(data, "SELECT sum(unpriced_calls)::INT FROM cost_by_model") == [(1,)]


def test_a_span_without_times_is_priced_and_charged_as_of_its_receipt(data: DataDir) -> None:
    # gpt-4o had no price in 1970, three of them since; 0 is no time but absence of one.
    gpt_4o = {"request_model": "gpt-4o", "input_tokens": 36_000, "output_tokens": 1_000}
    times = [{"start_ns": 0}, {"end_ns": 0}, {"start_ns": 0, "end_ns": 0}, {"end_ns": 5}]
    journal(data, request(*(call(1, number, **gpt_4o, **one) for number, one in enumerate(times, 1))))
    post(data)
    assert ask(data, "SELECT cost_usd, cost_status, started_at IS NULL, duration_ms FROM calls ORDER BY span_id") == [
        (Decimal("0.1"), "priced", "start_ns" in one and not one["start_ns"], None) for one in times
    ]
    at = "(SELECT received_ns FROM spans LIMIT 1), (SELECT max(end_ns) FROM spans)"
    assert ask(data, f"SELECT count(DISTINCT charged_ns) FROM charges WHERE charged_ns NOT IN (5, {at})") == [(0,)]
    assert ask(data, "SELECT started_ns > 1000000, duration_ms >= 0 FROM runs") == [(True, True)]


def test_tenants_with_the_same_ids_are_apart(data: DataDir) -> None:
    journal(data, request(call(1, 1)), request(call(1, 1), tenant="other"))
    post(data)
    assert ask(data, "SELECT tenant, count(*) FROM calls GROUP BY ALL ORDER BY ALL") == [("default", 1), ("other", 1)]
    assert ask(data, "SELECT count(DISTINCT run_id) FROM runs") == [(2,)]


def test_a_control_event_whose_key_was_posted_before_has_no_effect(data: DataDir) -> None:
    again = Draft(kind=PRICE_BOOK_PUBLISHED, key="price_book:seed", body=b"not even a book")
    journal(data, again, request(call(1, 1)))
    post(data)
    assert ask(data, "SELECT effective FROM events ORDER BY event_seq")[2] == (False,)
    assert ask(data, "SELECT count(*) FROM price_books") == [(1,)]
    assert ask(data, "SELECT count(*) FROM quarantine") == [(0,)]


def test_a_price_book_that_cannot_be_read_is_quarantined_and_the_one_before_stays(data: DataDir) -> None:
    journal(data, Draft(kind=PRICE_BOOK_PUBLISHED, key="k", body=b"not a book"), request(call(1, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]
    assert ask(data, "SELECT source_seq, span_index FROM quarantine") == [(2, -1)]


def test_a_control_event_that_its_reader_stumbles_over_does_not_stop_those_behind_it(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(data, Draft(kind=PRICE_BOOK_PUBLISHED, body=b"odd", key="b"), request(call(1, 1)))
    parse = PriceBook.parse

    def stumbling(body: bytes) -> PriceBook:
        return parse(body) if body != b"odd" else {}["provider"]  # type: ignore[return-value]

    monkeypatch.setattr(PriceBook, "parse", stumbling)
    post(data)
    assert ask(data, "SELECT reason FROM quarantine") == [("'provider'",)]
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]


def test_an_event_that_decoding_stumbles_over_is_quarantined_whole_and_the_others_are_posted(data: DataDir) -> None:
    journal(data, request(call(1, 1)), Draft(kind="otlp.traces", body=b"{"), request(call(2, 1)))
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(2 * CALL_USD,)]
    [(seq, index, reason)] = ask(data, "SELECT source_seq, span_index, reason FROM quarantine")
    assert (seq, index) == (3, -1)
    assert "JSONDecodeError" in reason


def test_a_journal_put_back_from_an_older_copy_is_not_posted_on(data: DataDir) -> None:
    journal(data, request(call(1, 1)))
    shutil.copytree(data.root, data.root.parent / "older")
    journal(data, request(call(2, 1)))
    post(data)
    shutil.rmtree(data.journal)
    shutil.rmtree(data.run)
    shutil.copytree(data.root.parent / "older" / "journal", data.journal)
    shutil.copytree(data.root.parent / "older" / "run", data.run)
    journal(data, request(call(3, 1)), request(call(4, 1)))
    with pytest.raises(Corrupt, match=r"posted up to event 3, .* or is another one there.*spanledger rebuild"):
        post(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(3 * CALL_USD,)]


def test_a_root_that_comes_after_a_thousand_booked_calls_has_them_all_and_the_sum_is_unchanged(data: DataDir) -> None:
    requests = [request(*(call(1, 100 * n + k, 9_999) for k in range(100))) for n in range(10)]
    journal(data, *requests, request(agent(1, 9_999)))
    post(data)
    total = 1_000 * CALL_USD
    root_seq = 12
    assert ask(data, "SELECT agent_name, model_calls, cost_usd FROM runs") == [("planner", 1_000, total)]
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(total,)]
    assert ask(data, f"SELECT agent_name, model_calls, cost_usd FROM runs_as_of({root_seq - 1})") == [
        ("svc", 1_000, total)
    ]
    assert ask(data, f"SELECT agent_name, sum(cost_usd) FROM charges_as_of({root_seq - 1}) GROUP BY ALL") == [
        ("svc", total)
    ]
    assert ask(data, "SELECT entry, count(*) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("booked", 2_000),
        ("rebooked", 2_000),
        ("reversal", 2_000),
    ]
    live = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == live

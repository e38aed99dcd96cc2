"""Orders to re-rate: what was booked is corrected by further lines, and only where money differs."""

from decimal import Decimal

import pytest

from ledger.books.compile import compile_records
from ledger.books.format import encode
from ledger.books.order import Order, order_body
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED, RERATE_ORDERED
from ledger.paths import DataDir
from ledger.post import rerating
from ledger.post.poster import Poster, PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, log, records, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_overrides import remove, set_rules

EVER = -(2**63)
NEVER = 2**63 - 1
SUMS = ("charges", "calls", "runs", "cost_by_agent", "cost_by_model")


def doubled() -> bytes:
    """OpenAI's gpt-4o at its price, and gpt-4o-mini at twice its own; small, so that it is quick to read."""
    names = (None, "gpt-4o", "gpt-4o-mini")
    kept = [each for each in compile_records() if each["provider"] == "openai" and each.get("model") in names]
    for record in kept:
        if (record["record"], record.get("model")) == ("price", "gpt-4o-mini"):
            record["price_usd"] *= 2
    return encode(kept, "test", "doubled")


BOOK = Draft(kind=PRICE_BOOK_PUBLISHED, body=doubled(), key="price_book:doubled:1")


def order(book_seq: int, since_ns: int = EVER, until_ns: int = NEVER) -> Draft:
    body = order_body(Order("r1", book_seq, since_ns, until_ns, "wrong price", "jane"))
    return Draft(kind=RERATE_ORDERED, body=body, transport="control")


def totals(data: DataDir) -> set[object]:
    """What each view sums to, and the sums by hour and by event."""
    sums = {ask(data, f"SELECT sum(cost_usd) FROM {view}")[0][0] for view in SUMS}
    end = ask(data, "SELECT max(event_seq) FROM events")[0][0]
    for view in ("charges", "calls", "runs"):
        sums |= {ask(data, f"SELECT sum(cost_usd) FROM {view}_as_of({end})")[0][0]}
    return sums


def test_booked_calls_are_reversed_and_booked_anew_and_every_view_agrees(data: DataDir) -> None:
    journal(data, request(call(1, 1, 9), agent(1, 9)), request(call(2, 1)), BOOK, order(4))
    post(data)
    assert totals(data) == {4 * CALL_USD}
    assert ask(data, "SELECT entry, count(*), sum(cost_usd), min(event_seq) FROM charges GROUP BY 1 ORDER BY 1") == [
        ("booked", 4, 2 * CALL_USD, 2),
        ("rerate", 4, 4 * CALL_USD, 5),
        ("reversal", 4, -2 * CALL_USD, 5),
    ]
    assert ask(data, "SELECT calls, price_book_id <> (SELECT price_book_id FROM price_books ORDER BY event_seq LIMIT 1)"
                     " FROM rerates") == [(2, True)]  # fmt: skip
    assert ask(data, "SELECT count(*) FROM charges r JOIN charges b ON r.reverses = b.charge_id"
                     " AND r.cost_usd = -b.cost_usd AND r.quantity = -b.quantity") == [(4,)]  # fmt: skip


def test_totals_are_known_as_they_were_before_and_as_they_are_now(data: DataDir) -> None:
    journal(data, request(call(1, 1)), BOOK, order(3), request(call(2, 1)), order(1))
    post(data)
    sums = [ask(data, f"SELECT sum(cost_usd) FROM charges_as_of({seq})")[0][0] for seq in range(2, 7)]
    assert sums == [CALL_USD, CALL_USD, 2 * CALL_USD, 4 * CALL_USD, 2 * CALL_USD]
    assert totals(data) == {2 * CALL_USD}


def test_nothing_is_added_where_no_money_differs(data: DataDir) -> None:
    journal(data, request(call(1, 1), call(1, 2, request_model="gpt-4o")), order(1), BOOK, order(4), order(4))
    post(data)
    assert ask(data, "SELECT event_seq, calls FROM rerates ORDER BY 1") == [(3, 0), (5, 1), (6, 0)]
    assert ask(data, "SELECT DISTINCT model FROM charges WHERE entry = 'rerate'") == [("gpt-4o-mini",)]
    assert ask(data, "SELECT count(*) FROM charges WHERE event_seq = 6") == [(0,)]


@pytest.mark.parametrize(("since", "until", "corrected"), [(1, 3, 2), (1, 2, 1), (4, 9, 0)])
def test_an_order_covers_what_is_charged_from_its_first_moment_to_before_its_last(
    data: DataDir, since: int, until: int, corrected: int
) -> None:
    at = [EPOCH_NS + number * SECOND for number in range(10)]
    journal(data, request(*(call(n, 1, end_ns=at[n]) for n in range(4))), BOOK, order(3, at[since], at[until]))
    post(data)
    assert ask(data, "SELECT calls FROM rerates") == [(corrected,)]
    assert totals(data) == {(4 + corrected) * CALL_USD}


def test_what_comes_later_is_priced_by_the_book_in_force(data: DataDir) -> None:
    journal(data, request(call(1, 1)), BOOK, order(1), request(call(1, 2)))
    post(data)
    assert totals(data) == {3 * CALL_USD}


def test_a_late_span_moves_the_corrected_money_whatever_was_remembered(data: DataDir) -> None:
    journal(data, request(call(1, 1, 9)), BOOK, order(3), request(call(2, 1)), request(agent(1, 9, name="late")))
    post(data)
    assert ask(
        data, "SELECT agent_name, sum(cost_usd) FROM charges GROUP BY 1 HAVING sum(cost_usd) <> 0 ORDER BY 1"
    ) == [
        ("late", 2 * CALL_USD),
        ("svc", 2 * CALL_USD),
    ]
    assert totals(data) == {4 * CALL_USD}
    expected = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1, open_spans_max=1))
    assert digests(data) == expected


def test_overrides_in_force_at_the_order_are_part_of_it(data: DataDir) -> None:
    journal(data, request(call(1, 1)), set_rules({"id": "half", "provider": "openai", "multiply": "0.5"}), order(1))
    post(data)
    assert totals(data) == {CALL_USD / 2}
    assert ask(data, "SELECT sum(list_cost_usd) FROM charges") == [(CALL_USD,)]


def test_an_override_and_its_removal_leave_every_total_as_it_was_known(data: DataDir) -> None:
    """Two calls, the second at half price; an order brings the first to half, and one after the removal both back."""
    journal(
        data,
        request(call(1, 1)),
        set_rules({"id": "half", "provider": "openai", "multiply": "0.5"}),
        request(call(2, 1)),
        order(1),
        remove("half"),
        order(1),
    )
    post(data)
    half = CALL_USD / 2
    expected = [2 * half, 2 * half, 3 * half, 2 * half, 2 * half, 4 * half]
    for view in ("charges", "calls", "runs"):
        sums = [ask(data, f"SELECT sum(cost_usd) FROM {view}_as_of({seq})")[0][0] for seq in range(2, 8)]
        assert sums == expected, view
    assert totals(data) == {4 * half}
    rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1))
    assert totals(data) == {4 * half}


def test_an_unknown_price_is_filled_in_and_no_longer_counted_as_unknown(data: DataDir) -> None:
    price = {"model": "our-llama", "price_usd": "1", "per": 1_000_000}
    rules = [{"id": unit, "unit": unit, **price} for unit in ("fresh_input_tokens", "output_tokens")]
    journal(data, request(call(1, 1, request_model="our-llama")), set_rules(*rules), order(1))
    post(data)
    assert totals(data) == {Decimal("0.0011")}
    for view in ("runs", "cost_by_agent", "cost_by_model"):
        assert ask(data, f"SELECT sum(unpriced_calls), sum(cost_usd) FROM {view}") == [(0, Decimal("0.0011"))]
    assert ask(data, "SELECT cost_status FROM calls") == [("priced",)]
    assert ask(data, "SELECT sum(unpriced_calls) FROM runs_as_of(3)") == [(1,)]


def test_a_cost_that_another_view_reports_stays_the_sum(data: DataDir) -> None:
    told = {"reported_cost_usd": "0.5", "reported_source": "cost_usd"}
    journal(data, request(call(1, 1)), records(log(1, 1, **told)), BOOK, order(4))
    post(data)
    assert totals(data) == {Decimal("0.5")}
    assert ask(data, "SELECT sum(list_cost_usd) FROM charges") == [(2 * CALL_USD,)]


def test_a_span_that_bills_nothing_is_repriced_in_silence_until_it_bills(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 1, response_id="msg_1"), call(1, 2, response_id="msg_1", scope_name="other")),
        BOOK,
        order(3),
    )
    post(data)
    assert ask(data, "SELECT calls FROM rerates") == [(1,)]
    assert totals(data) == {2 * CALL_USD}


@pytest.mark.parametrize(
    "wrong",
    [
        Draft(kind=RERATE_ORDERED, body=b"{}", transport="control"),
        order(2),
        order(99),
    ],
    ids=["no order", "no book", "a book to come"],
)
def test_an_order_that_is_none_is_quarantined_and_changes_nothing(data: DataDir, wrong: Draft) -> None:
    journal(data, request(call(1, 1)), wrong, request(call(2, 1)))
    post(data)
    assert ask(data, "SELECT source_seq FROM quarantine") == [(3,)]
    assert totals(data) == {2 * CALL_USD}


def test_an_order_over_more_than_the_bound_is_refused_whole(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerating, "VIEWS_MAX", 2)
    journal(data, request(call(1, 1), call(2, 1), call(3, 1)), BOOK, order(3))
    post(data)
    ((reason,),) = ask(data, "SELECT reason FROM quarantine")
    assert "more than 2 views" in str(reason)
    assert totals(data) == {3 * CALL_USD}


def test_traces_are_taken_in_steps_and_files_are_read_as_hot_rows_are(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerating, "TRACES_A_STEP", 2)
    linked = [call(9, 1, response_id="msg"), call(8, 1, response_id="msg", scope_name="other")]
    journal(data, request(*(call(n, 1) for n in range(1, 6)), *linked))
    post(data)  # a close writes segments
    from ledger.journal.append import JournalWriter
    from ledger.seams import SystemRng

    writer = JournalWriter.open(data, clock=SystemClock(), rng=SystemRng())
    for draft in (BOOK, order(3)):
        writer.append(draft)
    writer.close()
    post(data)
    assert ask(data, "SELECT calls FROM rerates") == [(6,)]
    assert totals(data) == {12 * CALL_USD}
    expected = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == expected


def test_a_kill_before_the_commit_of_an_order_leaves_no_trace_of_it(data: DataDir) -> None:
    journal(data, request(call(1, 1)), BOOK, order(3), request(call(1, 2)))
    post(data)
    expected = digests(data)
    again = DataDir(data.root, ledger_name="again")
    while True:
        poster = Poster(again, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1))
        commit, poster._catalog.commit = poster._catalog.commit, _fails  # type: ignore[method-assign]
        left = poster.cursor < 5
        if left:
            with pytest.raises(RuntimeError, match="killed"):
                poster.step()
        poster._catalog.commit = commit  # type: ignore[method-assign]
        posted = poster.step()
        poster.close()
        if not left:
            assert not posted
            break
    assert digests(again) == expected


def _fails(**_given: object) -> None:
    raise RuntimeError("killed before the commit")

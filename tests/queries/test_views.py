"""What the public views say, on ledgers written by hand."""

import re
from contextlib import closing
from decimal import Decimal

import duckdb
import pytest

from ledger.errors import NotFound
from ledger.paths import DataDir
from queries.connect import connect
from queries.views import MACROS, VIEWS
from queries.views.reference import empty_ledger
from tests.ledger.store import rows
from tests.queries.by_hand import Books, usd

LAST = 2**63 - 1


def test_a_missing_ledger_is_named_with_the_next_command(tmp_path):
    with pytest.raises(NotFound, match=f"{tmp_path}/none.*spanledger"):
        connect(DataDir(tmp_path / "none"))


def test_views_of_an_empty_ledger_are_empty(tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        for view in VIEWS:
            where = " WHERE is_chosen" if view == "cost_sources" else ""  # which has defaults without a ledger
            assert connection.execute(f"SELECT * FROM {view}{where}").fetchall() == []
        for macro in MACROS:
            assert connection.execute(f"SELECT * FROM {macro}(5)").fetchall() == []


def test_a_span_has_hex_ids_times_and_what_was_decided(by_hand):
    span = rows.span(
        1, 0, "t", start_ns=1_700_000_000_123_456_789, end_ns=1_700_000_000_623_456_789, parent_span_id=b"p" * 8
    )
    by_hand.write(1, spans=[span], placements=[rows.placement(1, span, agent_name="planner", user_id="ann")])
    found = by_hand.ask(
        "SELECT trace_id, span_id, parent_span_id, CAST(start_time AS VARCHAR), start_ns, duration_ms, agent_name, "
        "user_id, run_id, attributes['n'] FROM spans"
    )
    assert found == [(
        span["trace_id"].hex(), span["span_id"].hex(), (b"p" * 8).hex(), "2023-11-14 22:13:20.123456",
        1_700_000_000_123_456_789, 500.0, "planner", "ann", rows.ident("run", span["trace_id"]).hex(), "0",
    )]  # fmt: skip


def test_a_span_that_is_not_placed_is_listed(by_hand):
    by_hand.write(1, spans=[rows.span(1, 0, "t")])
    assert by_hand.ask("SELECT name, run_id, agent_name FROM spans") == [("chat 0", None, None)]


def test_a_call_of_two_views_is_listed_once_and_billed_by_one(by_hand):
    outer, inner = rows.span(1, 0, "t"), rows.span(1, 1, "t", input_tokens=7)
    bills = rows.placement(1, inner)
    called = {"call_span_id": outer["span_id"]}  # the call is named after its earliest view
    bills |= called
    other = rows.placement(1, outer, billed=False, duplicate_of_span_id=inner["span_id"], reason="outer")
    lines = [rows.charge(1, bills, cost, line=line, **called) for line, cost in enumerate(("0.5", "0.25"))]
    by_hand.write(1, spans=[outer, inner], placements=[bills, other], charges=lines)
    call_id = rows.view_id(outer)
    assert by_hand.ask("SELECT call_id, span_id, views, input_tokens, cost_usd, cost_status FROM calls") == [
        (call_id, inner["span_id"].hex(), 2, 7, usd("0.75"), "priced")
    ]
    columns = "view_id, call_id, span_id, billed, duplicate_of, reason"
    views = by_hand.ask(f"SELECT {columns} FROM call_views ORDER BY billed")
    assert views == [
        (call_id, call_id, outer["span_id"].hex(), False, rows.view_id(inner), "outer"),
        (rows.view_id(inner), call_id, inner["span_id"].hex(), True, None, "only view"),
    ]
    assert by_hand.ask("SELECT charge_id, call_id, span_id FROM charges ORDER BY cost_usd DESC") == [
        (rows.charge_id(line), call_id, inner["span_id"].hex()) for line in lines
    ]


@pytest.mark.parametrize(("costs", "status", "cost"), [
    (["0.5", "0.1"], "priced", usd("0.6")),
    (["0.5", None], "unpriced", usd("0.5")),
    ([None], "unpriced", None),
    ([], "none", None),
])  # fmt: skip
def test_an_unknown_cost_is_null_and_said(costs, status, cost, by_hand):
    span = rows.span(1, 0, "t")
    placed = rows.placement(1, span)
    lines = [rows.charge(1, placed, each, unit=f"unit-{n}", line=n) for n, each in enumerate(costs)]
    by_hand.write(1, spans=[span], placements=[placed], charges=lines)
    assert by_hand.ask("SELECT cost_usd, cost_status FROM calls") == [(cost, status)]
    assert by_hand.ask(f"SELECT cost_usd, unpriced_calls FROM runs_as_of({LAST})") == [
        (cost, int(status == "unpriced"))
    ]
    assert by_hand.ask("SELECT SUM(cost_usd) FROM charges") == [(cost,)]


def test_two_prices_that_fit_are_ambiguous(by_hand):
    span = rows.span(1, 0, "t")
    placed = rows.placement(1, span)
    by_hand.write(1, spans=[span], placements=[placed], charges=[rows.charge(1, placed, None, status="ambiguous")])
    assert by_hand.ask("SELECT cost_usd, cost_status FROM calls") == [(None, "ambiguous")]


def moved_to_another_agent(by_hand):
    """A call booked on the service at event 1; at event 3 its agent arrives."""
    span = rows.span(1, 0, "t")
    early = rows.placement(1, span)
    first = rows.charge(1, early, "0.5")
    by_hand.write(1, spans=[span], placements=[early], charges=[first])
    late = rows.placement(
        3, span, agent_name="planner", agent_rule="ancestor", run_id=rows.ident("late"), replaces_seq=1
    )
    back = rows.charge(3, early, "0.5", entry="reversal", reverses_seq=1, reverses_line=0)
    agent = rows.span(3, 0, "t", operation="agent")
    by_hand.write(
        3,
        spans=[agent],
        placements=[late, rows.placement(3, agent, kind=None, billed=None)],
        charges=[back, rows.charge(3, late, "0.5", entry="rebooked", line=1)],
    )
    return span, early, late


def test_a_row_that_is_superseded_is_no_longer_now(by_hand):
    span, early, late = moved_to_another_agent(by_hand)
    assert by_hand.ask("SELECT agent_name, agent_rule, cost_usd, cost_status FROM calls") == [
        ("planner", "ancestor", usd("0.5"), "priced")
    ]
    where = f"WHERE span_id = '{span['span_id'].hex()}'"
    assert by_hand.ask(f"SELECT agent_name, run_id FROM spans {where}") == [("planner", late["run_id"].hex())]
    assert by_hand.ask("SELECT agent_name, SUM(cost_usd) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("planner", usd("0.5")),
        ("shop", usd("0")),
    ]
    assert by_hand.ask("SELECT quantity, cost_usd, list_cost_usd FROM charges WHERE entry = 'reversal'") == [
        (Decimal("-1000.000000"), usd("-0.5"), usd("-0.5"))
    ]
    assert by_hand.ask("SELECT run_id, trace_id FROM run_traces ORDER BY run_id") == sorted(
        (run.hex(), span["trace_id"].hex()) for run in (late["run_id"], early["run_id"])
    )


@pytest.mark.parametrize("seq", [1, 2])
def test_what_was_known_before_can_be_asked_for_ever(seq, by_hand):
    _, early, _ = moved_to_another_agent(by_hand)
    assert by_hand.ask(f"SELECT agent_name, agent_rule, cost_usd FROM calls_as_of({seq})") == [
        ("shop", "provisional", usd("0.5"))
    ]
    assert by_hand.ask(f"SELECT SUM(cost_usd), COUNT(*) FROM charges_as_of({seq})") == [(usd("0.5"), 1)]
    assert by_hand.ask(f"SELECT run_id, cost_usd, spans FROM runs_as_of({seq})") == [
        (early["run_id"].hex(), usd("0.5"), 1)
    ]
    assert by_hand.ask("SELECT * FROM calls_as_of(0)") == []


def test_as_of_the_last_event_is_now(by_hand):
    moved_to_another_agent(by_hand)
    for view in ("calls", "charges"):  # runs: tests/ledger/post/test_run_parts.py
        assert by_hand.ask(f"FROM {view} ORDER BY ALL") == by_hand.ask(f"FROM {view}_as_of(3) ORDER BY ALL")


def test_a_call_that_was_taken_into_another_is_not_listed_and_costs_nothing(by_hand):
    first, second = rows.span(0, 0, "t"), rows.span(2, 0, "t")
    one, two = rows.placement(0, first), rows.placement(2, second)
    line = rows.charge(2, two, "0.5")
    by_hand.write(0, spans=[first], placements=[one], charges=[rows.charge(0, one, "0.5")])
    by_hand.write(2, spans=[second], placements=[two], charges=[line])
    same = {"call_span_id": first["span_id"], "duplicate_of_span_id": first["span_id"]}
    folded = rows.placement(3, second, billed=False, replaces_seq=2, **same)
    back = rows.charge(3, two, "0.5", entry="reversal", reverses_seq=2, reverses_line=0)
    by_hand.write(3, placements=[folded], charges=[back])
    assert by_hand.ask("SELECT call_id, views, cost_usd FROM calls") == [(rows.view_id(first), 2, usd("0.5"))]
    assert by_hand.ask("SELECT reverses FROM charges WHERE entry = 'reversal'") == [(rows.charge_id(line),)]
    assert by_hand.ask("SELECT SUM(cost_usd) FROM charges") == [(usd("0.5"),)]
    assert by_hand.ask("SELECT SUM(cost_usd), COUNT(*) FROM calls_as_of(2)") == [(usd("1"), 2)]


def test_tenants_with_the_same_ids_are_apart(by_hand):
    span = rows.span(1, 0, "t")
    placed = rows.placement(1, span)
    charge = rows.charge(1, placed, "0.5")
    other, place = {"tenant": "acme"}, {"span_index": 1}
    by_hand.write(
        1,
        spans=[span, span | other | place | {"input_tokens": 9}],
        placements=[placed, placed | other | place | {"agent_name": "theirs"}],
        charges=[charge, charge | other | {"booked_cost_usd": usd("2")}],
    )
    assert by_hand.ask("SELECT tenant, agent_name, input_tokens, cost_usd, views FROM calls ORDER BY tenant") == [
        ("acme", "theirs", 9, usd("2"), 1),
        ("default", "shop", 1000, usd("0.5"), 1),
    ]
    assert by_hand.ask(f"SELECT tenant, cost_usd, spans FROM runs_as_of({LAST}) ORDER BY tenant") == [
        ("acme", usd("2"), 1),
        ("default", usd("0.5"), 1),
    ]


def test_ids_are_computed_over_the_bytes_of_a_tenants_name(by_hand):
    span = rows.span(1, 0, "t", tenant="Bücher GmbH")
    placed = rows.placement(1, span, tenant="Bücher GmbH")
    by_hand.write(1, spans=[span], placements=[placed])
    assert by_hand.ask("SELECT call_id FROM calls") == [(rows.view_id(span, "Bücher GmbH"),)]


def run_of(by_hand, *spans):
    run = {"run_id": rows.ident("run")}
    placements = [
        rows.placement(1, span, **run)
        if span["operation"] == "chat"
        else rows.placement(1, span, kind=None, billed=None, **run)
        for span in spans
    ]
    by_hand.write(1, spans=list(spans), placements=placements)
    return by_hand.ask(f"SELECT state, spans, model_calls, errors, input_tokens FROM runs_as_of({LAST})")


def test_a_run_is_open_until_its_top_arrives(by_hand):
    lone = rows.span(1, 0, "t", parent_span_id=b"missing!")
    assert run_of(by_hand, lone) == [("open", 1, 1, 0, 1000)]


def test_a_run_is_complete_once_its_top_and_all_parents_are_there(by_hand):
    top = rows.span(1, 0, "t", operation="agent", status="error")
    below = rows.span(1, 1, "t", parent_span_id=top["span_id"])
    assert run_of(by_hand, top, below) == [("complete", 2, 1, 1, 1001)]


def test_a_run_is_complete_when_only_the_parent_of_its_agent_lies_outside(by_hand):
    top = rows.span(1, 0, "t", operation="agent", parent_span_id=b"web-call")
    below = rows.span(1, 1, "t", parent_span_id=top["span_id"])
    assert run_of(by_hand, top, below)[0][0] == "complete"


def test_a_run_is_incomplete_while_a_parent_is_missing(by_hand):
    top = rows.span(1, 0, "t", operation="agent")
    below = rows.span(1, 1, "t", parent_span_id=b"missing!")
    assert run_of(by_hand, top, below)[0][0] == "incomplete"


def test_a_run_without_calls_and_agents_is_not_listed(by_hand):
    assert run_of(by_hand, rows.span(1, 0, "t", operation="other")) == []


def test_the_top_of_a_run_names_it(by_hand):
    top = rows.span(1, 5, "t", operation="agent", service_name="front", environment="dev")
    below = rows.span(1, 0, "t", parent_span_id=top["span_id"])
    run = {"run_id": rows.ident("run")}
    no_view = {"kind": None, "billed": None}
    named = rows.placement(1, top, agent_name="planner", conversation_id="c1", user_id="ann", **no_view, **run)
    by_hand.write(1, spans=[top, below], placements=[rows.placement(1, below, agent_name="sub", **run), named])
    query = f"SELECT agent_name, service_name, environment, conversation_id, user_id FROM runs_as_of({LAST})"
    assert by_hand.ask(query) == [("planner", "front", "dev", "c1", "ann")]


def test_conflicts_quarantine_events_and_price_books_are_listed(by_hand):
    torn = {"source_seq": 1, "span_index": -1, "reason": "torn", "bytes": b"\x00"}
    conflict = {"trace_id": b"t" * 16, "span_id": b"s" * 8, "first_source_seq": 0, "first_span_index": 1,
                "source_seq": 1, "span_index": 2}  # fmt: skip
    book = {
        "price_book_id": "ab",
        "source": "x",
        "source_version": "1",
        "rows": 3,
        "published_ns": 10**18,
        "event_seq": 1,
    }
    rows.Commit(
        1,
        {
            "events": rows.table("events", [rows.event(1)]),
            "conflicts": rows.table("conflicts", [conflict]),
            "quarantine": rows.table("quarantine", [torn]),
            "price_books": rows.pa.Table.from_pylist([book], schema=rows.ARROW["price_books"]),
        },
        rows.new_pairs(None), {}, {},
    ).apply(by_hand.catalog)  # fmt: skip
    assert by_hand.ask("SELECT trace_id, first_source_seq, span_index FROM conflicts") == [((b"t" * 16).hex(), 0, 2)]
    assert by_hand.ask("SELECT reason, bytes FROM quarantine") == [("torn", b"\x00")]
    assert by_hand.ask("SELECT kind, effective, LENGTH(raw_sha256) FROM events") == [("otlp.traces", True, 64)]
    assert by_hand.ask("SELECT price_book_id, rows, CAST(published_at AS VARCHAR) FROM price_books") == [
        ("ab", 3, "2001-09-09 01:46:40")
    ]


def test_a_connection_keeps_the_state_it_was_made_on(by_hand):
    by_hand.write(0, spans=[rows.span(0, 0, "a")])
    with connect(by_hand.data) as connection:
        by_hand.write(1, spans=[rows.span(1, 0, "b")])
        assert connection.execute("SELECT COUNT(*) FROM spans").fetchall() == [(1,)]
        assert connection.execute("SELECT cursor FROM base.snapshot").fetchall() == [(0,)]
    assert by_hand.ask("SELECT COUNT(*) FROM spans") == [(2,)]


def test_a_path_with_quotes_is_read(tmp_path):
    made = Books(tmp_path / 'it\'s "odd" [*]')
    with closing(made.catalog):
        made.write(1, spans=[rows.span(1, 0, "a")])
        assert made.ask("SELECT COUNT(*) FROM spans") == [(1,)]


def test_a_filter_on_the_bytes_of_a_trace_reads_few_row_groups(by_hand):
    count = 70_000
    one = rows.table("spans", [rows.span(1, 0, "a")]).combine_chunks()
    many = one.take(rows.pa.array([0] * count))
    ids = b"".join(rows.ident(n) for n in range(count))
    array = rows.pa.Array.from_buffers(rows.pa.binary(16), count, [None, rows.pa.py_buffer(ids)])
    many = many.set_column(1, rows.ARROW["spans"].field("trace_id"), array)
    by_hand.catalog.commit(
        cursor=1, rows={"spans": many, "events": rows.table("events", [rows.event(1)])}, traces=rows.new_pairs(None),
        keys={}, state={},
    )  # fmt: skip
    by_hand.catalog.flush()
    with connect(by_hand.data) as connection:
        query = f"EXPLAIN ANALYZE SELECT name FROM base.spans WHERE trace_id = unhex('{rows.ident(7).hex()}')"
        plan = connection.execute(query).fetchall()[0][1]
    assert re.search(r"Row Groups Scanned: 1 / [45]\b", plan), f"DuckDB {duckdb.__version__}:\n{plan}"


def test_calls_and_charges_of_the_samples_come_to_the_same_sum(connection):
    per_call = connection.execute("SELECT COUNT(*), COUNT(DISTINCT call_id), SUM(cost_usd) FROM calls").fetchone()
    assert per_call[0] == per_call[1] > 0
    assert connection.execute("SELECT SUM(cost_usd) FROM charges").fetchone() == per_call[2:]
    assert connection.execute("SELECT SUM(cost_usd), SUM(unpriced_calls) FROM runs").fetchone() == (
        connection.execute("SELECT SUM(cost_usd), SUM(unpriced_calls) FROM cost_by_agent").fetchone()
    )


def test_lines_that_stand_are_booked_on_the_run_of_their_call(connection):
    query = """
        SELECT c.call_id
        FROM base.charges_as_of(9223372036854775807) AS l
        JOIN calls AS c ON c.call_id = base.view_id(l.signal, l.tenant, l.trace_id, l.call_span_id)
        WHERE l.stands AND c.run_id <> LOWER(HEX(l.run_id))
    """
    assert connection.execute(query).fetchall() == []

"""What the public views say, on ledgers written by hand."""

import re
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ledger.books.rollup import ROLLUPS
from ledger.errors import NotFound
from ledger.paths import DataDir
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from queries.connect import connect
from queries.views import MACROS, ORDER, VIEWS, documentation
from queries.views.reference import empty_ledger, reference
from tests.ledger.store import rows

ROOT = Path(__file__).parents[2]


class Books:
    """A ledger to write by hand, and to ask."""

    def __init__(self, root: Path) -> None:
        self.data = DataDir(root / "data")
        self.catalog = Catalog.open(self.data, clock=SystemClock())

    def write(self, seq, **tables):
        rows.commit(seq, {"events": [rows.event(seq)]} | tables).apply(self.catalog)
        if seq % 2:
            self.catalog.flush()  # so that every test reads segments and hot rows together

    def ask(self, query):
        with connect(self.data) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def books(tmp_path):
    made = Books(tmp_path)
    with closing(made.catalog):
        yield made


def usd(text):
    return Decimal(text).quantize(Decimal("0.000000000001"))


def test_a_missing_ledger_is_named_with_the_next_command(tmp_path):
    with pytest.raises(NotFound, match=f"{tmp_path}/none.*spanledger"):
        connect(DataDir(tmp_path / "none"))


def test_views_of_an_empty_ledger_are_empty(tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        for view in VIEWS:
            assert connection.execute(f"SELECT * FROM {view}").fetchall() == []
        for macro in MACROS:
            assert connection.execute(f"SELECT * FROM {macro}(5)").fetchall() == []


def test_every_sql_file_is_registered_once_and_every_registered_name_has_a_file():
    files = {path.stem for path in (ROOT / "queries/views").glob("*.sql")}
    assert files == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_is_documented_in_its_order(view, tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        live = [row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()]
    text, columns = documentation(view)
    assert text
    assert list(columns) == live
    assert live[0] == "tenant"


def test_the_reference_page_is_what_the_live_views_give(tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        assert (ROOT / "docs/reference/sql.md").read_text(encoding="utf-8") == reference(connection)


def test_no_public_column_is_a_float_or_needs_a_time_zone_but_durations(tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        types = {(view, row[0]): row[1] for view in VIEWS for row in connection.execute(f"DESCRIBE {view}").fetchall()}
    assert {name for (_, name), kind in types.items() if kind == "DOUBLE"} == {"duration_ms"}
    assert not [kind for kind in types.values() if kind in ("FLOAT", "HUGEINT", "TIMESTAMP WITH TIME ZONE")]
    assert {kind for (_, name), kind in types.items() if name.endswith("_usd")} == {"DECIMAL(38,12)"}


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.name)
def test_a_cost_view_has_the_keys_and_measures_of_its_rollup(rollup, tmp_path):
    _, columns = documentation(rollup.name)
    assert set(rollup.keys) | set(rollup.measures) <= set(columns)


def test_a_span_has_hex_ids_times_and_what_was_decided(books):
    span = rows.span(
        1, 0, "t", start_ns=1_700_000_000_123_456_789, end_ns=1_700_000_000_623_456_789, parent_span_id=b"p" * 8
    )
    books.write(1, spans=[span], placements=[rows.placement(1, span, agent_name="planner", user_id="ann")])
    found = books.ask(
        "SELECT trace_id, span_id, parent_span_id, CAST(start_time AS VARCHAR), start_ns, duration_ms, agent_name, "
        "user_id, run_id, attributes['n'] FROM spans"
    )
    assert found == [(
        span["trace_id"].hex(), span["span_id"].hex(), (b"p" * 8).hex(), "2023-11-14 22:13:20.123456",
        1_700_000_000_123_456_789, 500.0, "planner", "ann", rows.ident("run", span["trace_id"]).hex(), "0",
    )]  # fmt: skip


def test_a_span_that_is_not_placed_is_listed(books):
    books.write(1, spans=[rows.span(1, 0, "t")])
    assert books.ask("SELECT name, run_id, agent_name FROM spans") == [("chat 0", None, None)]


def test_a_call_of_two_views_is_listed_once_and_billed_by_one(books):
    outer, inner = rows.span(1, 0, "t"), rows.span(1, 1, "t", input_tokens=7)
    bills = rows.placement(1, inner)
    other = rows.placement(
        1, outer, call_id=bills["call_id"], billed=False, duplicate_of=bills["view_id"], reason="outer"
    )
    lines = [rows.charge(1, bills, "0.5"), rows.charge(1, bills, "0.25", unit="output_tokens", line=1)]
    books.write(1, spans=[outer, inner], placements=[bills, other], charges=lines)
    assert books.ask("SELECT span_id, views, input_tokens, cost_usd, cost_status FROM calls") == [
        (inner["span_id"].hex(), 2, 7, usd("0.75"), "priced")
    ]
    views = books.ask("SELECT span_id, billed, duplicate_of, reason FROM call_views ORDER BY billed")
    assert views == [
        (outer["span_id"].hex(), False, bills["view_id"].hex(), "outer"),
        (inner["span_id"].hex(), True, None, "only view"),
    ]


@pytest.mark.parametrize(("costs", "status", "cost"), [
    (["0.5", "0.1"], "priced", usd("0.6")),
    (["0.5", None], "unpriced", usd("0.5")),
    ([None], "unpriced", None),
    ([], "none", None),
])  # fmt: skip
def test_an_unknown_cost_is_null_and_said(costs, status, cost, books):
    span = rows.span(1, 0, "t")
    placed = rows.placement(1, span)
    lines = [rows.charge(1, placed, each, unit=f"unit-{n}", line=n) for n, each in enumerate(costs)]
    books.write(1, spans=[span], placements=[placed], charges=lines)
    assert books.ask("SELECT cost_usd, cost_status FROM calls") == [(cost, status)]
    assert books.ask("SELECT cost_usd, unpriced_calls FROM runs") == [(cost, int(status == "unpriced"))]
    assert books.ask("SELECT SUM(cost_usd) FROM charges") == [(cost,)]


def test_two_prices_that_fit_are_ambiguous(books):
    span = rows.span(1, 0, "t")
    placed = rows.placement(1, span)
    books.write(1, spans=[span], placements=[placed], charges=[rows.charge(1, placed, None, status="ambiguous")])
    assert books.ask("SELECT cost_usd, cost_status FROM calls") == [(None, "ambiguous")]


def moved_to_another_agent(books):
    """A call booked on the service at event 1; at event 3 its agent arrives."""
    span = rows.span(1, 0, "t")
    early = rows.placement(1, span)
    first = rows.charge(1, early, "0.5")
    books.write(1, spans=[span], placements=[early], charges=[first])
    late = rows.placement(3, span, agent_name="planner", agent_rule="ancestor", run_id=rows.ident("late"))
    back = rows.charge(
        3, early, "-0.5", entry="reversal", reverses=first["charge_id"], charge_id=rows.ident("back"),
        quantity=Decimal("-1000.000000"),
    )  # fmt: skip
    agent = rows.span(3, 0, "t", operation="agent")
    books.write(
        3,
        spans=[agent],
        placements=[late, rows.placement(3, agent, kind=None, view_id=None, call_id=None, billed=None)],
        superseded=[rows.superseded(3, "placements", early)],
        charges=[back, rows.charge(3, late, "0.5", entry="rebooked", line=1)],
    )
    return span, early, late


def test_a_row_that_is_superseded_is_no_longer_now(books):
    span, early, late = moved_to_another_agent(books)
    assert books.ask("SELECT agent_name, agent_rule, cost_usd, cost_status FROM calls") == [
        ("planner", "ancestor", usd("0.5"), "priced")
    ]
    where = f"WHERE span_id = '{span['span_id'].hex()}'"
    assert books.ask(f"SELECT agent_name, run_id FROM spans {where}") == [("planner", late["run_id"].hex())]
    assert books.ask("SELECT agent_name, SUM(cost_usd) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("planner", usd("0.5")),
        ("shop", usd("0")),
    ]
    assert books.ask("SELECT run_id, trace_id FROM run_traces ORDER BY run_id") == sorted(
        (run.hex(), span["trace_id"].hex()) for run in (late["run_id"], early["run_id"])
    )


@pytest.mark.parametrize("seq", [1, 2])
def test_what_was_known_before_can_be_asked_for_ever(seq, books):
    _, early, _ = moved_to_another_agent(books)
    assert books.ask(f"SELECT agent_name, agent_rule, cost_usd FROM calls_as_of({seq})") == [
        ("shop", "provisional", usd("0.5"))
    ]
    assert books.ask(f"SELECT SUM(cost_usd), COUNT(*) FROM charges_as_of({seq})") == [(usd("0.5"), 1)]
    assert books.ask(f"SELECT run_id, cost_usd, spans FROM runs_as_of({seq})") == [
        (early["run_id"].hex(), usd("0.5"), 1)
    ]
    assert books.ask("SELECT * FROM calls_as_of(0)") == []


def test_as_of_the_last_event_is_now(books):
    moved_to_another_agent(books)
    for view in ("calls", "charges", "runs"):
        assert books.ask(f"FROM {view} ORDER BY ALL") == books.ask(f"FROM {view}_as_of(3) ORDER BY ALL")


def test_a_call_that_was_taken_into_another_is_not_listed_and_costs_nothing(books):
    first, second = rows.span(0, 0, "a"), rows.span(2, 0, "b")
    one, two = rows.placement(0, first), rows.placement(2, second)
    line = rows.charge(2, two, "0.5")
    books.write(0, spans=[first], placements=[one], charges=[rows.charge(0, one, "0.5")])
    books.write(2, spans=[second], placements=[two], charges=[line])
    folded = rows.placement(3, second, call_id=one["call_id"], billed=False, duplicate_of=one["view_id"])
    back = rows.charge(3, two, "-0.5", entry="reversal", reverses=line["charge_id"], charge_id=rows.ident("back"))
    books.write(3, placements=[folded], superseded=[rows.superseded(3, "placements", two)], charges=[back])
    assert books.ask("SELECT call_id, views, cost_usd FROM calls") == [(one["call_id"].hex(), 2, usd("0.5"))]
    assert books.ask("SELECT SUM(cost_usd) FROM charges") == [(usd("0.5"),)]
    assert books.ask("SELECT SUM(cost_usd), COUNT(*) FROM calls_as_of(2)") == [(usd("1"), 2)]


def test_tenants_with_the_same_ids_are_apart(books):
    span = rows.span(1, 0, "t")
    placed = rows.placement(1, span)
    charge = rows.charge(1, placed, "0.5")
    other = {"tenant": "acme"}
    books.write(
        1,
        spans=[span, span | other | {"input_tokens": 9}],
        placements=[placed, placed | other | {"agent_name": "theirs"}],
        charges=[charge, charge | other | {"cost_usd": usd("2")}],
    )
    assert books.ask("SELECT tenant, agent_name, input_tokens, cost_usd, views FROM calls ORDER BY tenant") == [
        ("acme", "theirs", 9, usd("2"), 1),
        ("default", "shop", 1000, usd("0.5"), 1),
    ]
    assert books.ask("SELECT tenant, cost_usd, spans FROM runs ORDER BY tenant") == [
        ("acme", usd("2"), 1),
        ("default", usd("0.5"), 1),
    ]


def run_of(books, *spans):
    run = {"run_id": rows.ident("run")}
    placements = [
        rows.placement(1, span, **run)
        if span["operation"] == "chat"
        else rows.placement(1, span, kind=None, view_id=None, call_id=None, billed=None, **run)
        for span in spans
    ]
    books.write(1, spans=list(spans), placements=placements)
    return books.ask("SELECT state, spans, model_calls, errors, input_tokens FROM runs")


def test_a_run_is_open_until_its_top_arrives(books):
    lone = rows.span(1, 0, "t", parent_span_id=b"missing!")
    assert run_of(books, lone) == [("open", 1, 1, 0, 1000)]


def test_a_run_is_complete_once_its_top_and_all_parents_are_there(books):
    top = rows.span(1, 0, "t", operation="agent", status="error")
    below = rows.span(1, 1, "t", parent_span_id=top["span_id"])
    assert run_of(books, top, below) == [("complete", 2, 1, 1, 1001)]


def test_a_run_is_complete_when_only_the_parent_of_its_agent_lies_outside(books):
    top = rows.span(1, 0, "t", operation="agent", parent_span_id=b"web-call")
    below = rows.span(1, 1, "t", parent_span_id=top["span_id"])
    assert run_of(books, top, below)[0][0] == "complete"


def test_a_run_is_incomplete_while_a_parent_is_missing(books):
    top = rows.span(1, 0, "t", operation="agent")
    below = rows.span(1, 1, "t", parent_span_id=b"missing!")
    assert run_of(books, top, below)[0][0] == "incomplete"


def test_a_run_without_calls_and_agents_is_not_listed(books):
    assert run_of(books, rows.span(1, 0, "t", operation="other")) == []


def test_the_top_of_a_run_names_it(books):
    top = rows.span(1, 5, "t", operation="agent", service_name="front", environment="dev")
    below = rows.span(1, 0, "t", parent_span_id=top["span_id"])
    run = {"run_id": rows.ident("run")}
    named = rows.placement(1, top, agent_name="planner", conversation_id="c1", user_id="ann", kind=None, view_id=None,
                           call_id=None, billed=None, **run)  # fmt: skip
    books.write(1, spans=[top, below], placements=[rows.placement(1, below, agent_name="sub", **run), named])
    query = "SELECT agent_name, service_name, environment, conversation_id, user_id FROM runs"
    assert books.ask(query) == [("planner", "front", "dev", "c1", "ann")]


def test_cost_views_sum_rollups_by_their_keys(books):
    hour = 3600 * 10**9
    books.write(1, rollups=[rows.rollup(1, "0.5"), rows.rollup(1, "0.25", model="gpt-5-mini", team="red", user_id="u")])
    books.write(
        2,
        rollups=[
            rows.rollup(2, "0.125", hour_ns=rows.NOON_NS + hour),
            rows.rollup(2, "1", errors=1),
            rows.rollup(2, "0.01", kind="tool", model=None, tool_name="search", input_tokens=0, output_tokens=0),
            rows.rollup(
                2, "-0.25", model="gpt-5-mini", team="red", user_id="u", calls=-1, input_tokens=-1000, output_tokens=-50
            ),
        ],
    )
    assert books.ask(
        "SELECT CAST(hour AS VARCHAR), model, calls, errors, cost_usd FROM cost_by_model ORDER BY ALL"
    ) == [
        ("2023-11-15 12:00:00", "gpt-5", 2, 1, usd("1.5")),
        ("2023-11-15 13:00:00", "gpt-5", 1, 0, usd("0.125")),
    ]
    assert books.ask("SELECT SUM(cost_usd), SUM(calls) FROM cost_by_agent") == [(usd("1.635"), 4)]
    assert books.ask("SELECT tool_name, calls, fee_usd, beneath_usd FROM cost_by_tool") == [
        ("search", 1, usd("0.01"), None)
    ]


def test_a_cost_that_is_wholly_unknown_is_null_in_a_cost_view(books):
    books.write(1, rollups=[rows.rollup(1, "0", unpriced_calls=1)])
    assert books.ask("SELECT cost_usd, calls, unpriced_calls FROM cost_by_model") == [(None, 1, 1)]
    books.write(2, rollups=[rows.rollup(2, "0.5")])
    assert books.ask("SELECT cost_usd, calls, unpriced_calls FROM cost_by_model") == [(usd("0.5"), 2, 1)]


def test_conflicts_quarantine_events_and_price_books_are_listed(books):
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
    ).apply(books.catalog)  # fmt: skip
    assert books.ask("SELECT trace_id, first_source_seq, span_index FROM conflicts") == [((b"t" * 16).hex(), 0, 2)]
    assert books.ask("SELECT reason, bytes FROM quarantine") == [("torn", b"\x00")]
    assert books.ask("SELECT kind, effective, LENGTH(raw_sha256) FROM events") == [("otlp.traces", True, 64)]
    assert books.ask("SELECT price_book_id, rows, CAST(published_at AS VARCHAR) FROM price_books") == [
        ("ab", 3, "2001-09-09 01:46:40")
    ]


def test_a_connection_keeps_the_state_it_was_made_on(books):
    books.write(0, spans=[rows.span(0, 0, "a")])
    with connect(books.data) as connection:
        books.write(1, spans=[rows.span(1, 0, "b")])
        assert connection.execute("SELECT COUNT(*) FROM spans").fetchall() == [(1,)]
        assert connection.execute("SELECT cursor FROM base.snapshot").fetchall() == [(0,)]
    assert books.ask("SELECT COUNT(*) FROM spans") == [(2,)]


def test_a_path_with_quotes_is_read(tmp_path):
    made = Books(tmp_path / 'it\'s "odd" [*]')
    with closing(made.catalog):
        made.write(1, spans=[rows.span(1, 0, "a")])
        assert made.ask("SELECT COUNT(*) FROM spans") == [(1,)]


def test_a_filter_on_the_bytes_of_a_trace_reads_few_row_groups(books):
    count = 70_000
    one = rows.table("spans", [rows.span(1, 0, "a")]).combine_chunks()
    many = one.take(rows.pa.array([0] * count))
    ids = b"".join(rows.ident(n) for n in range(count))
    array = rows.pa.Array.from_buffers(rows.pa.binary(16), count, [None, rows.pa.py_buffer(ids)])
    many = many.set_column(1, rows.ARROW["spans"].field("trace_id"), array)
    books.catalog.commit(
        cursor=1, rows={"spans": many, "events": rows.table("events", [rows.event(1)])}, traces=rows.new_pairs(None),
        keys={}, state={},
    )  # fmt: skip
    books.catalog.flush()
    with connect(books.data) as connection:
        query = f"EXPLAIN ANALYZE SELECT name FROM base.spans WHERE trace_id = unhex('{rows.ident(7).hex()}')"
        plan = connection.execute(query).fetchall()[0][1]
    assert re.search(r"Row Groups Scanned: 1 / [34]\b", plan), f"DuckDB {duckdb.__version__}:\n{plan}"

"""The list of runs: filters, pages, prefixes."""

from decimal import Decimal

import duckdb
import pytest

from ledger.errors import NotFound, Refused
from queries.narrow import of_run
from queries.runs import COLUMNS, RunFilter, one_run, rows_of, runs

LOOP = "invoice_clerk"


def test_pages_by_key_give_every_run_once_newest_first(connection: duckdb.DuckDBPyConnection) -> None:
    whole = runs(connection, RunFilter(), 1_000).items
    paged, after = [], None
    while True:
        page = runs(connection, RunFilter(), 7, after)
        paged += page.items
        after = page.next
        if after is None:
            break
    assert paged == whole
    assert len(whole) > 14
    assert [run["started_at"] for run in whole] == sorted((run["started_at"] for run in whole), reverse=True)


@pytest.mark.parametrize(
    ("wanted", "sql"),
    [
        (RunFilter(service="back-office"), "service_name = 'back-office'"),
        (RunFilter(errors=True), "errors > 0"),
        (RunFilter(min_cost_usd=Decimal("0.01")), "cost_usd >= 0.01"),
        (RunFilter(state="complete"), "state = 'complete'"),
        (
            RunFilter(model="claude-sonnet-4-5"),
            "run_id IN (SELECT run_id FROM calls WHERE model = 'claude-sonnet-4-5')",
        ),
        (RunFilter(tool="book_invoice"), "run_id IN (SELECT run_id FROM calls WHERE tool_name = 'book_invoice')"),
        (RunFilter(agent=LOOP), "run_id IN (SELECT run_id FROM calls WHERE agent_name = 'invoice_clerk')"),
    ],
)
def test_each_filter_asks_what_its_name_says(
    connection: duckdb.DuckDBPyConnection, wanted: RunFilter, sql: str
) -> None:
    expected = {row[0] for row in connection.execute(f"SELECT run_id FROM runs WHERE {sql}").fetchall()}
    assert expected
    assert {run["run_id"] for run in runs(connection, wanted, 1_000).items} == expected


def test_six_digits_of_an_id_are_enough(connection: duckdb.DuckDBPyConnection) -> None:
    run = runs(connection, RunFilter(agent=LOOP)).items[0]
    assert one_run(connection, str(run["run_id"])[:6].upper())["run_id"] == run["run_id"]


@pytest.mark.parametrize("bad", ["", "abc", "zzzzzz", "'; --", "0" * 33])
def test_what_is_no_id_is_refused_with_what_is_accepted(connection: duckdb.DuckDBPyConnection, bad: str) -> None:
    with pytest.raises(Refused, match="6 to 32 hex digits"):
        one_run(connection, bad)


def test_an_unknown_run_says_how_to_list_them(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotFound, match="spanledger runs"):
        one_run(connection, "0" * 32)


@pytest.mark.parametrize("bad", ["nonsense", "!!!!", "MTIzNA"])
def test_a_made_up_cursor_is_refused(connection: duckdb.DuckDBPyConnection, bad: str) -> None:
    with pytest.raises(Refused, match="next"):
        runs(connection, RunFilter(), 5, bad)


def test_a_prefix_of_two_runs_names_both() -> None:
    with duckdb.connect() as two:
        columns = (
            "NULL AS started_at, NULL AS duration_ms, NULL AS agent_name, NULL AS service_name, NULL AS environment"
        )
        columns += ", NULL AS state, 1 AS spans, 1 AS model_calls, 1 AS tool_calls, 0 AS errors, 1 AS input_tokens"
        columns += ", 1 AS output_tokens, 1 AS cost_usd, 0 AS unpriced_calls, NULL AS conversation_id, NULL AS user_id"
        columns += ", NULL AS ended_at, 1 AS started_ns, 1 AS ended_ns"
        two.execute(f"CREATE VIEW runs AS SELECT unnest(['abcdef01', 'abcdef02']) AS run_id, {columns}")
        with pytest.raises(Refused, match="abcdef01, abcdef02"):
            one_run(two, "abcdef")


def test_a_narrowed_run_has_the_very_figures_of_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    whole = rows_of(connection.execute(f"SELECT {COLUMNS}, started_ns, ended_ns FROM runs"))
    assert len(whole) > 20
    for run in whole:
        with of_run(connection, str(run["run_id"])) as narrow:
            assert one_run(narrow, str(run["run_id"])) == run


def test_the_list_is_that_of_the_view(connection: duckdb.DuckDBPyConnection) -> None:
    query = f"SELECT {COLUMNS} FROM runs ORDER BY started_ns DESC, run_id"
    assert runs(connection, RunFilter(), 1_000).items == rows_of(connection.execute(query))
    assert runs(connection, RunFilter(), 3).items == rows_of(connection.execute(f"{query} LIMIT 3"))


@pytest.mark.parametrize("prefix", ["", "zz", "0" * 40, "'"])
def test_what_is_no_id_narrows_to_nothing(connection: duckdb.DuckDBPyConnection, prefix: str) -> None:
    with of_run(connection, prefix) as narrow:
        assert narrow.execute("SELECT count(*) FROM spans").fetchall() == [(0,)]

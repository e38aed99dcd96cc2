"""The replay of a run: order, money so far, windows, one step in full."""

from decimal import Decimal

import duckdb
import pytest

from queries.replay.replay import all_steps, content, cost_line, parents, replay
from queries.runs import RunFilter, runs

RUNS_CHECKED = 40


def loop(connection: duckdb.DuckDBPyConnection) -> str:
    return str(runs(connection, RunFilter(agent="invoice_clerk")).items[0]["run_id"])


def test_money_so_far_ends_at_the_cost_of_the_run(connection: duckdb.DuckDBPyConnection) -> None:
    for run in runs(connection, RunFilter(), RUNS_CHECKED).items:
        steps = all_steps(connection, str(run["run_id"])).to_pylist()
        assert steps[-1]["cost_so_far_usd"] == (run["cost_usd"] or Decimal(0))
        assert len(steps) == run["spans"]


def test_steps_are_in_event_time_and_money_never_falls(connection: duckdb.DuckDBPyConnection) -> None:
    steps = all_steps(connection, loop(connection)).to_pylist()
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["start_ns"] for step in steps] == sorted(step["start_ns"] for step in steps)
    so_far = [step["cost_so_far_usd"] for step in steps]
    assert so_far == sorted(so_far)


def test_the_third_call_of_the_loop_brings_it_to_thirty_cents(connection: duckdb.DuckDBPyConnection) -> None:
    # 36,000 tokens in at $2.50 and 1,000 out at $10 a million: $0.09 + $0.01 a call
    steps = replay(connection, loop(connection), 1, 6).steps
    assert [step["cost_so_far_usd"] for step in steps] == [Decimal(n) / 10 for n in (0, 1, 1, 2, 2, 3)]


def test_windows_put_together_are_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    run_id = loop(connection)
    whole = all_steps(connection, run_id).to_pylist()
    put_together, first = [], 1
    while first is not None:
        part = replay(connection, run_id, first, 100)
        put_together += part.steps
        first = part.next_step  # type: ignore[assignment]
    assert put_together == whole


def test_a_window_past_the_end_is_empty_and_last(connection: duckdb.DuckDBPyConnection) -> None:
    past = replay(connection, loop(connection), 10_000)
    assert past.steps == []
    assert past.next_step is None


def test_one_step_in_full_has_its_money_lines(connection: duckdb.DuckDBPyConnection) -> None:
    run_id = loop(connection)
    step = replay(connection, run_id, 2, 1).steps[0]
    full = content(connection, run_id, step)
    assert full["billed"] is True
    charges = full["charges"]
    assert isinstance(charges, list)
    assert sum(line["cost_usd"] for line in charges) == step["cost_usd"]
    assert {line["unit"] for line in charges} == {"fresh_input_tokens", "output_tokens"}


def test_the_cost_line_ends_at_the_cost_of_the_run(connection: duckdb.DuckDBPyConnection) -> None:
    run_id = loop(connection)
    tree = parents(connection, run_id)
    line = cost_line(connection, run_id, min(row[2] for row in tree), max(row[3] for row in tree))
    assert line[-1][1] == Decimal(25)
    assert line == sorted(line)
    assert len(line) <= 601


@pytest.mark.parametrize("run_id", ["f" * 32])
def test_a_run_that_is_not_there_has_no_line(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    assert cost_line(connection, run_id, 0, 1) == []

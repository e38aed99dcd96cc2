"""The replay of a run: its steps in event time with money so far, and one step in full.

A step is a span, or a log record or settlement that bills a call, at the moment it started; its money is that of the
call it bills.
All figures are as known now.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from ledger.errors import NotFound
from queries.narrow import of_log, of_settlement, of_span
from queries.runs import Row, one_run, rows_of

HERE = Path(__file__).parent
STEPS = (HERE / "steps.sql").read_text()
CONTENT = {
    "span": (HERE / "content.sql").read_text(),
    "log": (HERE / "log_content.sql").read_text(),
    "settlement": (HERE / "settlement_content.sql").read_text(),
}
LINES = (HERE / "lines.sql").read_text()
PARENTS = (HERE / "parents.sql").read_text()
COST_LINE = (HERE / "cost_line.sql").read_text()

WINDOW_STEPS = 400
"""Steps given at once: a page with more rows opens slowly (20,000 rows took 9 s, 400 take 1.5 s at most)."""


@dataclass(frozen=True)
class Replay:
    """A run and a window of its steps. `first` is the number of the first step in `steps`; steps count from 1."""

    run: Row
    steps: list[Row]
    first: int
    total: int

    @property
    def next_step(self) -> int | None:
        """Where the next window starts, None at the end."""
        after = self.first + len(self.steps)
        return after if after <= self.total else None


def replay(connection: duckdb.DuckDBPyConnection, run_id: str, first: int = 1, count: int = WINDOW_STEPS) -> Replay:
    """Steps `first` to `first + count - 1` of the run that `run_id` (or a unique prefix of it) names."""
    run = one_run(connection, run_id)
    window = f"SELECT *, count(*) OVER () AS steps_total FROM ({STEPS}) ORDER BY step"
    parameters = {"run_id": run["run_id"], "first": first, "last": first + count - 1}
    query = f"WITH windowed AS ({window}) SELECT * FROM windowed WHERE step BETWEEN $first AND $last ORDER BY step"
    steps = rows_of(connection.execute(query, parameters))
    total = steps[0]["steps_total"] if steps else int(str(run["spans"] or 0))
    for step in steps:
        del step["steps_total"]
    assert isinstance(total, int)
    return Replay(run, steps, first, total)


def all_steps(connection: duckdb.DuckDBPyConnection, run_id: str) -> pa.Table:
    """Every step of the run called exactly `run_id`, as Arrow."""
    assert run_id.isalnum(), run_id  # it comes from `one_run`; bound parameters would copy the rows once more
    return connection.sql(STEPS.replace("$run_id", f"'{run_id}'")).to_arrow_table()


def content(connection: duckdb.DuckDBPyConnection, run_id: str, step: Row) -> Row:
    """Everything that one step of the run says, with the lines of its call under `charges`."""
    signal = str(step["signal"])
    names = ("trace_id", "span_id") if signal == "span" else ("source_seq", "span_index")
    with _of_step(connection, step) as narrow:
        found = rows_of(narrow.execute(CONTENT[signal], {"run_id": run_id} | {name: step[name] for name in names}))
        if not found:
            raise NotFound(f"run {run_id} no longer holds {signal} {step['span_index']} of event {step['source_seq']}")
        row = found[0]
        row["charges"] = rows_of(narrow.execute(LINES, {"call_id": row["view_of_call_id"]})) if row["billed"] else []
    return row


def _of_step(connection: duckdb.DuckDBPyConnection, step: Row) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if step["signal"] == "span":
        return of_span(connection, str(step["trace_id"]), str(step["span_id"]))
    narrowed = {"log": of_log, "settlement": of_settlement}[str(step["signal"])]
    return narrowed(connection, int(str(step["source_seq"])), int(str(step["span_index"])))


def parents(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, str | None, int, int]]:
    """(span, its parent, start_ns, end_ns) of every span of the run."""
    rows: list[tuple[str, str | None, int, int]] = connection.execute(PARENTS, {"run_id": run_id}).fetchall()
    return rows


def cost_line(
    connection: duckdb.DuckDBPyConnection, run_id: str, start_ns: int, end_ns: int
) -> list[tuple[int, Decimal]]:
    """(time, money so far) wherever money was spent, thinned to what a screen can show."""
    bounds = {"run_id": run_id, "start_ns": start_ns, "end_ns": end_ns}
    rows: list[tuple[int, Decimal]] = connection.execute(COST_LINE, bounds).fetchall()
    return rows

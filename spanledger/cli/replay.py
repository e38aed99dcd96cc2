"""`spanledger replay RUN`: one run, step by step in event time, with the money so far."""

from pathlib import Path

import click
import pyarrow as pa

from spanledger.cli import options
from spanledger.cli.output import chosen, emit, say
from spanledger.cli.source import arrow_of, connect, fetch, one_source

SHOWN = ["step", "at_ms", "what", "name", "status", "input_tokens", "output_tokens", "cost_usd", "cost_so_far_usd"]
"""Columns of the table; the other formats give all."""


@click.command("replay")
@click.argument("run")
@options.source
@options.output
def command(run: str, data: Path | None, url: str | None, form: str | None, output: Path | None) -> None:
    """Go through RUN (an id, or the first 6 or more digits of one) step by step, with the money so far."""
    one_source(data, url)
    head, steps = _remote(url, run) if url else _local(data, run)
    narrow = steps.num_rows > 0 and chosen(form, output) == "table"
    say(_headline(head))
    emit(_shown(steps) if narrow else steps, form, output)


def _local(data: Path | None, run: str) -> tuple[dict[str, object], pa.Table]:
    from queries.narrow import of_run
    from queries.replay.replay import all_steps
    from queries.runs import one_run

    with connect(data) as connection, of_run(connection, run) as narrow:
        head = one_run(narrow, run)
        return head, all_steps(narrow, str(head["run_id"]))


def _remote(url: str, run: str) -> tuple[dict[str, object], pa.Table]:
    items: list[dict[str, object]] = []
    following: int | None = 1
    head: dict[str, object] = {}
    while following is not None:
        page = fetch(url, f"/api/v1/runs/{run}/replay", {"from": following})
        head, following = page["run"], page["next"]
        items += page["items"]
    return head, arrow_of(items)


def _headline(run: dict[str, object]) -> str:
    unpriced = run["unpriced_calls"]
    known = "cost unknown" if run["cost_usd"] is None else f"${run['cost_usd']}"
    return f"run {run['run_id']}  {run['agent_name']}  {run['state']}  {known}" + (
        f"  ({unpriced} unpriced)" if unpriced else ""
    )


def _shown(steps: pa.Table) -> pa.Table:
    """The columns that fit a terminal, with time from the start of the run and depth left to the page."""
    rows = steps.to_pylist()
    start_ns = min((row["start_ns"] for row in rows if row["start_ns"]), default=0)
    for row in rows:
        row["at_ms"] = (row["start_ns"] - start_ns) / 1e6 if row["start_ns"] else None
        row["what"] = row["model"] or row["tool_name"] or row["operation"]
    money = {"cost_usd": pa.decimal128(38, 12), "cost_so_far_usd": pa.decimal128(38, 12)}
    return pa.table({name: pa.array([row[name] for row in rows], money.get(name)) for name in SHOWN})

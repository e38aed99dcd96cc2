"""`spanledger runs`: the list of runs, newest first."""

import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
import pyarrow as pa

from spanledger.cli import options
from spanledger.cli.output import chosen, emit, say
from spanledger.cli.source import arrow_of, connect, fetch, one_source

SHOWN = [
    "run_id",
    "started_at",
    "agent_name",
    "state",
    "model_calls",
    "tool_calls",
    "errors",
    "cost_usd",
    "unpriced_calls",
]
"""Columns of the table; the other formats give all."""


@click.command("runs")
@options.source
@click.option("--agent", help="Only runs in which this agent took part.")
@click.option("--service", help="Only runs of this service.")
@click.option("--environment", help="Only runs in this environment.")
@click.option("--model", help="Only runs that called this model.")
@click.option("--tool", help="Only runs that used this tool.")
@click.option("--user", help="Only runs for this user.")
@click.option("--state", type=click.Choice(["open", "complete", "incomplete"]), help="Only runs in this state.")
@click.option("--errors", is_flag=True, help="Only runs with errors.")
@click.option("--min-cost", help="Only runs that cost at least this many USD.")
@options.since
@options.limit(50)
@options.output
def command(
    data: Path | None,
    url: str | None,
    min_cost: str | None,
    since: str | None,
    limit: int,
    form: str | None,
    output: Path | None,
    **filters: str | bool | None,
) -> None:
    """List runs with what they cost, newest first."""
    one_source(data, url)
    if url:
        asked = {**filters, "errors": filters["errors"] or None, "min_cost": min_cost, "since": since}
        rows, more = _remote(url, asked, limit)
    else:
        rows, more = _local(data, filters, min_cost, since, limit)
    narrow = rows.num_rows > 0 and chosen(form, output) == "table"
    emit(rows.select(SHOWN) if narrow else rows, form, output)
    if more:
        say(f"more than {limit} runs: raise --limit or narrow the question")


def _local(
    data: Path | None, filters: dict[str, str | bool | None], min_cost: str | None, since: str | None, limit: int
) -> tuple[pa.Table, bool]:
    from queries.runs import RunFilter, runs
    from queries.since import since_ns

    start_ns = since_ns(since, time.time_ns()) if since else None
    wanted = RunFilter(**filters, min_cost_usd=_money(min_cost), since_ns=start_ns)  # type: ignore[arg-type]
    with connect(data) as connection:
        page = runs(connection, wanted, limit)
    return pa.Table.from_pylist(page.items), page.next is not None


def _remote(url: str, asked: Mapping[str, object], limit: int) -> tuple[pa.Table, bool]:
    items: list[dict[str, object]] = []
    cursor: object = None
    while len(items) < limit:
        page = fetch(url, "/api/v1/runs", {**asked, "limit": min(limit - len(items), 1_000), "after": cursor})
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    return arrow_of(items), cursor is not None


def _money(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation as error:
        raise click.UsageError(f"--min-cost {text}: give an amount such as 0.10") from error

"""`spanledger cost`: what agents, models or tools have cost, or what was spent with which key."""

import time
from pathlib import Path

import click

from spanledger.cli import options
from spanledger.cli.output import chosen, emit, say
from spanledger.cli.source import arrow_of, connect, fetch, one_source

TOOLS_SHOWN = ["tool_name", "calls", "fee_usd", "unpriced_calls", "beneath_usd", "result_usd"]
"""Columns of the table by tool; the other formats give all."""


@click.command("cost")
@options.source
@click.option(
    "--by",
    type=click.Choice(["agent", "model", "tool", "credential"]),
    default="agent",
    show_default=True,
    help="What a row stands for.",
)
@options.since
@options.output
def command(
    data: Path | None, url: str | None, by: str, since: str | None, form: str | None, output: Path | None
) -> None:
    """Sum up cost by agent, model, tool or key, the dearest first. Calls without a known price are counted apart.

    Of an agent, inclusive_cost_usd is its own cost and that of all agents beneath it, so it holds money of other rows.
    Of a tool, fee_usd alone is its own cost. beneath_usd is what models cost that ran beneath it, result_usd an
    estimate of what its results cost as input of its agent's next calls; agents and models have both already.
    """
    from queries.costs import costs, telling
    from queries.since import since_ns

    one_source(data, url)
    if url:
        rows = arrow_of(fetch(url, "/api/v1/costs", {"by": by, "since": since})["items"])
    else:
        start_ns = since_ns(since, time.time_ns()) if since else None
        with connect(data) as connection:
            rows = costs(connection, by, start_ns)
    if rows.num_rows and chosen(form, output) == "table":
        rows = rows.select(TOOLS_SHOWN) if by == "tool" else telling(rows)
    emit(rows, form, output)
    unpriced = sum(value or 0 for value in rows.column("unpriced_calls").to_pylist()) if rows.num_rows else 0
    if unpriced:
        say(f"{unpriced:,} calls have no known price and are in no sum")

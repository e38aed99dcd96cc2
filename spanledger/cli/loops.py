"""`spanledger loops`: calls that a run made again and again with the same input."""

import time
from pathlib import Path

import click

from spanledger.cli import options
from spanledger.cli.output import chosen, emit, say
from spanledger.cli.source import arrow_of, connect, fetch, one_source

SHOWN = [
    *("run_id", "agent_name", "kind", "tool_name", "model", "known_by", "repeats", "errors"),
    *("first_at", "last_at", "cost_usd", "cost_since_usd"),
]
"""Columns of the table; the other formats give all."""


@click.command("loops")
@options.source
@click.option(
    "--least",
    type=click.IntRange(min=2),
    default=3,
    show_default=True,
    help="From how many identical calls on they are a loop.",
)
@options.since
@options.limit(50)
@options.output
def command(
    data: Path | None,
    url: str | None,
    least: int,
    since: str | None,
    limit: int,
    form: str | None,
    output: Path | None,
) -> None:
    """List calls that an agent made again and again in one run with the same input, the dearest first.

    A run need not have ended. `cost_since_usd` is the cost of all such calls after the first.
    """
    from queries.loops import loops
    from queries.since import since_ns

    one_source(data, url)
    if url:
        asked = {"least": least, "since": since, "limit": limit}
        rows = arrow_of(fetch(url, "/api/v1/loops", asked)["items"])
    else:
        start_ns = since_ns(since, time.time_ns()) if since else None
        with connect(data) as connection:
            rows = loops(connection, least, start_ns, limit)
    narrow = rows.num_rows > 0 and chosen(form, output) == "table"
    emit(rows.select(SHOWN) if narrow else rows, form, output)
    if not rows.num_rows:
        say(f"no run made the same call {least} times; --least takes a smaller number")
    elif rows.num_rows == limit:
        say(f"perhaps more than {limit} loops: raise --limit or --least")

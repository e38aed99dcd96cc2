"""`spanledger periods`: close accounting months, so that what was reported for them stays as it was reported."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from ledger.errors import Refused
from spanledger.cli import options
from spanledger.cli.output import emit, say

CLOSED = "SELECT * EXCLUDE (tenant) FROM periods ORDER BY event_seq"
LEFT = """
SELECT COALESCE(SUM(cost_usd), 0), COUNT(DISTINCT call_id) FILTER (WHERE cost_usd IS NULL)
FROM charges WHERE accounting_ns < ?
"""


@click.group("periods")
def command() -> None:
    """Close accounting months: what is booked on them later counts in the month in which it is recorded."""


@command.command("ls")
@options.source
@options.output
def ls(data: Path | None, url: str | None, form: str | None, output: Path | None) -> None:
    """List the months that are closed."""
    from spanledger.cli.lists import listed

    with listed(data, url, "periods") as connection:
        rows = connection.sql(CLOSED).to_arrow_table()
    emit(rows, form, output)
    if not rows.num_rows:
        say("no month is closed: `spanledger periods close 2026-10` closes one, and all before it")


@command.command("close")
@click.argument("month")
@click.option("--reason", default="books closed", show_default=True, help="Why; kept with the event.")
@click.option("--author", help="Who closes it [default: your login name].")
@options.data
@options.config
def close(month: str, reason: str, author: str | None, data: Path | None, config_file: Path | None) -> None:
    """Close MONTH, such as 2026-10, and all before it. It cannot be opened again.

    Late spans and corrections then count in the month in which they are recorded (`accounting_at`); costs by the hour
    in which they arose stay where they are.
    """
    from ledger.books.periods import Closing, closing_body, read_closing
    from queries.wire import decimal_text
    from spanledger.cli.prices_change import login, publish
    from spanledger.cli.source import connect
    from spanledger.config import load
    from spanledger.publishing import closing_draft

    closing = Closing(month, reason, author or login())
    body = closing_body(closing)
    read_closing(body)
    if time.time_ns() < closing.ends_ns:
        over = datetime.fromtimestamp(closing.ends_ns / 1e9, UTC).date()
        raise Refused(f"{month} has not ended: close it from {over} on, UTC")
    settings = load(data=data, file=config_file)
    with connect(settings.data.root) as connection:
        last = connection.execute("SELECT MAX(month) FROM periods").fetchall()[0][0]
        if last is not None and month <= last:
            raise Refused(f"{month} is closed already, as all months up to {last} are")
        usd, unpriced = connection.execute(LEFT, [closing.ends_ns]).fetchall()[0]
    event_seq = publish(settings, closing_draft(body))
    say(f"event {event_seq}: {month} and all before it are closed, with {decimal_text(usd)} USD booked up to its end")
    if unpriced:
        say(f"{unpriced:,} calls up to then had lines without a known cost; what they turn out to cost counts later")

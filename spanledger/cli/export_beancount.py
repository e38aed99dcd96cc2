"""`spanledger export beancount`: charges as a journal for beancount 3."""

from pathlib import Path

import click

from spanledger.cli import options
from spanledger.cli.aside import aside


@click.command("beancount")
@options.data
@options.stretch
@click.option(
    "--round",
    "places",
    type=click.IntRange(0, 11),
    metavar="PLACES",
    help="Round what each provider is owed for a month to so many decimals; the difference goes to Expenses:Rounding.",
)
@options.target
def beancount(
    data: Path | None, start: str | None, end: str | None, as_of: int | None, places: int | None, output: Path | None
) -> None:
    """Write charges as a journal for beancount 3: a transaction a day, agent and model, owed to the provider.

    Balances at the end of each day let `bean-check` find an amount that is off in any digit. Nothing is rounded
    unless --round asks for it.
    """
    from queries.export import beancount as report
    from spanledger.cli.taking import say_what, taken

    with (
        taken(data, start, end, as_of) as (connection, found),
        aside(output) as file,
        file.open("w", encoding="utf-8", newline="\n") as sink,
    ):
        transactions = report.write(connection, sink, places)
    say_what(found, f"{transactions:,} transactions", data)

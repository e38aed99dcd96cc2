"""`spanledger export focus`: charges as FOCUS 1.2, in Parquet or CSV."""

import sys
from pathlib import Path

import click

from spanledger.cli import options
from spanledger.cli.aside import aside


@click.command("focus")
@options.data
@options.stretch
@click.option("--per-run", is_flag=True, help="A row a run too, not only an hour, agent, model and unit.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv"]),
    help="How to write the rows [default: csv in a pipe or for FILE.csv, else parquet].",
)
@options.target
def focus(
    data: Path | None,
    start: str | None,
    end: str | None,
    as_of: int | None,
    per_run: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Write charges as FOCUS 1.2, which cost-management programs read: a row an hour, team, agent, model and unit.

    A charge that corrects one of an earlier accounting month is marked `Correction`. The difference to a cost that
    somebody reports is an `Adjustment`. The sum of BilledCost is that of the charges.
    """
    from queries.export import focus as report
    from spanledger.cli.taking import say_what, taken

    form = form or ("csv" if output is None or output.suffix == ".csv" else "parquet")
    if output is None and form == "parquet":
        raise click.UsageError("--format parquet is a file: give -o FILE")
    if output is None and sys.stdout.isatty():
        raise click.UsageError("64 columns are no good on a terminal: give -o FILE, or a pipe")
    with taken(data, start, end, as_of) as (connection, found), aside(output) as file:
        rows = report.write(connection, file, form, per_run)
    say_what(found, f"{rows:,} rows", data)

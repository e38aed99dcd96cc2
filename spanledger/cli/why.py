"""`spanledger why ID`: how one call was booked, from the attributes that were sent to the price that was taken."""

import sys
from pathlib import Path

import click

from spanledger.cli import options
from spanledger.cli.source import connect, directory

FORMATS = ("table", "json")


@click.command("why")
@click.argument("id_", metavar="ID")
@options.data
@click.option("--url", help="Not for this command, which needs the files.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Text with tables, or one JSON object [default: table on a terminal, json in a pipe].",
)
def command(id_: str, data: Path | None, url: str | None, form: str | None) -> None:
    """Say why the call that ID names was booked as it was.

    ID is that of a span, view, call or charge, the first 6 or more digits of one, or TRACE:SPAN. The answer: every view
    of the call and why it bills or not; from which attribute each column came, read again from the journal's bytes;
    each money line with its price and price book; and which span said whose run, agent, conversation and user it is.
    """
    if url is not None:
        raise click.UsageError("`why` reads the journal's own bytes, so it needs the files: give --data DIR, not --url")
    from ledger.journal.read import JournalReader
    from spanledger.cli.why_text import as_json, as_text
    from spanledger.why.document import why

    with connect(data) as connection, JournalReader(directory(data)) as journal:
        found = why(connection, journal, id_)
    write = {"table": as_text, "json": as_json}[form or ("table" if sys.stdout.isatty() else "json")]
    sys.stdout.write(write(found) + "\n")

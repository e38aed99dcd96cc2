"""`spanledger rebuild`: the ledger again, from the journal alone."""

import sys
from pathlib import Path

import click

from ledger.errors import Locked
from spanledger.cli import options
from spanledger.cli.output import say


@click.command("rebuild")
@options.data
@options.config
def command(data: Path | None, config_file: Path | None) -> None:
    """Delete the ledger and make it again from the journal; nothing is decided or sent. Stop a server that posts."""
    from ingest.decode import decode, same_span, spans_in
    from ledger.post.rebuild import rebuild
    from ledger.seams import SystemClock
    from spanledger.cli.source import directory
    from spanledger.config import load
    from spanledger.parts import options as options_of

    settings = load(data=directory(data).root, file=config_file)
    try:
        events = rebuild(
            settings.data,
            decode,
            same_span,
            clock=SystemClock(),
            progress=_told,
            options=options_of(settings, "poster"),
            store_options=options_of(settings, "store"),
            spans_in=spans_in,
        )
    except Locked as error:  # not by a server that cannot open its ledger: that one goes on with the new ledger
        raise Locked(f"a server posts to {settings.data.root}: stop it, then rebuild ({error})") from error
    say(f"{settings.data.root}: {events:,} events posted anew")


def _told(posted: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rposted event {posted:,} of {of:,}", err=True, nl=posted >= of)

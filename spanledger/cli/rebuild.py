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
    """Delete the ledger and make it again from the journal; nothing is decided or sent. Needs the server stopped."""
    from ingest.decode import decode, same_span
    from ledger.post.rebuild import rebuild
    from ledger.seams import SystemClock
    from spanledger.cli.source import directory
    from spanledger.config import load
    from spanledger.parts import options as options_of
    from spanledger.presence import running

    settings = load(data=directory(data).root, file=config_file)
    if running(settings.data.serve_json) is not None:
        raise Locked(f"a server runs on {settings.data.root}: stop it, then rebuild")
    events = rebuild(
        settings.data,
        decode,
        same_span,
        clock=SystemClock(),
        progress=_told,
        options=options_of(settings, "poster"),
        store_options=options_of(settings, "store"),
    )
    say(f"{settings.data.root}: {events:,} events posted anew")


def _told(posted: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rposted event {posted:,} of {of:,}", err=True, nl=posted >= of)

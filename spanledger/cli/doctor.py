"""`spanledger doctor`: is this installation sound? Looks, measures, and sends one span through a throw-away ledger."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ledger.errors import LedgerError
from spanledger.cli import options
from spanledger.cli.exits import FAILURE, OK

MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


@click.command("doctor")
@options.data
@options.config
@click.option("--live", is_flag=True, help="Send the span through the server on DATA; it stays in that ledger.")
def command(data: Path | None, config_file: Path | None, live: bool) -> int:
    """Check this installation; exit code 1 if something will not work."""
    from spanledger import checkup
    from spanledger.config import load

    settings = load(data=data, file=config_file)
    checks: list[Callable[[], Iterator[tuple[str, str]]]] = [
        checkup.versions,
        lambda: checkup.ports(settings),
        lambda: checkup.directory(settings.data),
        lambda: checkup.sync_time(settings.data),
        lambda: checkup.name_clashes(settings.data),
        (lambda: checkup.live_span(settings.data)) if live else checkup.span_end_to_end,
    ]
    worst = OK
    for check in checks:
        for level, words in _guarded(check):
            click.echo(f"{MARKS[level]} {words}")
            worst = FAILURE if level == "bad" else worst
    return worst


def _guarded(check: Callable[[], Iterator[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    try:
        yield from check()
    except (LedgerError, OSError) as error:
        yield "bad", str(error)

"""`spanledger import FILE...`: OTLP files into the ledger, through the server that runs on DATA or without one."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spanledger.cli import options
from spanledger.cli.output import say
from spanledger.otlp_files import SIGNALS, OtlpFile, Signal, pieces, recognise

if TYPE_CHECKING:
    from ledger.journal.frame import Draft


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.data
@options.config
@click.option("--signal", type=click.Choice(SIGNALS), help="What the files hold, where their names do not say.")
def command(files: tuple[Path, ...], data: Path | None, config_file: Path | None, signal: Signal | None) -> None:
    """Bring OTLP FILES into the ledger; returns once they are posted and their runs are settled.

    The name tells the signal (*.traces.*, *.logs.*, *.metrics.*) and the encoding (.binpb, .pb, .json, .jsonl).
    """
    from spanledger.appending import door
    from spanledger.config import load

    known = [recognise(path, signal) for path in files]
    settings = load(data=data, file=config_file)
    with door(settings) as ledger:
        events = [ledger.append(draft) for file in _shown(known) for draft in _drafts(file)]
        with _bar(len(events), "posting") as advance:
            first = events[0] if events else 0
            if events:
                ledger.settle(events[-1], lambda cursor: advance(max(0, cursor - first + 1)))
                ledger.settle(ledger.append(_over(first, events[-1], ledger.is_alone)), lambda _: None)
    say(f"{len(files)} files, {len(events)} events, posted to {settings.data.root}")


def _drafts(file: OtlpFile) -> "Iterator[Draft]":
    from ledger.journal.frame import Draft

    for body in pieces(file):
        yield Draft(kind=f"otlp.{file.signal}", body=body, transport="import", content_type="application/x-protobuf")


def _over(first: int, last: int, is_alone: bool) -> "Draft":
    """No more comes of what was imported; where nobody else appends, nor of what came before."""
    from spanledger.publishing import settling_draft

    return settling_draft(0 if is_alone else first, last, last)


def _shown(files: list[OtlpFile]) -> Iterator[OtlpFile]:
    with _bar(len(files), "reading") as advance:
        for number, file in enumerate(files, 1):
            yield file
            advance(number)


@contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=total, label=what, file=sys.stderr) as bar:
        yield lambda done: bar.update(min(done, total) - bar.pos)

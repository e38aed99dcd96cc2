"""`spanledger prices import`: what changes prices, each as an event of the journal."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from spanledger.cli import options
from spanledger.cli.output import say

if TYPE_CHECKING:
    from ledger.journal.frame import Draft
    from spanledger.config import Config


def publish(settings: "Config", draft: "Draft") -> int:
    """Append `draft` through the server that runs on DATA, or without one, and return its number once it is posted."""
    from spanledger.appending import door

    with door(settings) as ledger:
        event_seq = ledger.append(draft)
        ledger.settle(event_seq, lambda _cursor: None)
    return event_seq


@click.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.data
@options.config
def import_(file: Path | None, data: Path | None, config_file: Path | None) -> None:
    """Publish a newer price book: FILE as `python -m ledger.books.compile` writes it, else the installed genai-prices,
    else the book that this program ships.

    It prices what arrives from then on. What is booked stays as it is until `prices rerate`.
    """
    from ledger.books.book import PriceBook
    from queries.prices.compare import CHANGES, difference
    from spanledger.cli.prices import shelf
    from spanledger.config import load
    from spanledger.publishing import book_draft, newest_body

    settings = load(data=data, file=config_file)
    body = file.read_bytes() if file else newest_body()
    new = PriceBook.parse(body)
    with shelf(settings.data.root if settings.data.catalog.is_file() else None) as books:
        old, before = books.named("current"), len(books.published) and int(str(books.published[-1]["event_seq"]))
    if old.book_id == new.book_id and before:
        say(f"{new.book_id[:12]} ({new.source} {new.source_version}) is in force already: nothing was published")
        return
    changes = difference(old, new)["change"].to_pylist()
    event_seq = publish(settings, book_draft(new.book_id, body, before))
    told = ", ".join(f"{changes.count(change):,} {change}" for change in CHANGES)
    say(
        f"event {event_seq}: {new.book_id[:12]} ({new.source} {new.source_version}) prices what arrives from now on; "
        f"prices {told}. Nothing that is booked has changed: see `spanledger prices rerate`"
    )


COMMANDS = (import_,)

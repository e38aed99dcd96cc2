"""`spanledger prices import` and `override`: what changes prices, each as an event of the journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spanledger.cli import options
from spanledger.cli.output import say

if TYPE_CHECKING:
    from ledger.books.override import Rule
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


@click.command("override")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--remove", multiple=True, metavar="ID", help="End the rule of this id, from now on; may be repeated.")
@click.option("--reason", help="Why the rules of --remove end.")
@click.option("--author", help="Who says so, of rules that name nobody [default: your login name].")
@options.data
@options.config
@options.output
def override(
    file: Path | None,
    remove: tuple[str, ...],
    reason: str | None,
    author: str | None,
    data: Path | None,
    config_file: Path | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Set prices of your own from a YAML FILE, end some, or list those in force.

    \b
    overrides:
      - id: openai-agreement
        match: {provider: openai, model: "gpt-4o*", unit: output_tokens}
        multiply: "0.85"         # of the list price; or price_usd: "2.50", with per: 1000000
        valid_from: 2026-12-01   # calls that start then or later, UTC
        reason: agreement 4711

    A rule prices what arrives from then on; one of the same id takes its place. What is booked stays as it is until
    `prices rerate`. Each line keeps its cost at list price beside the one that is booked.
    """
    from ledger.books.override import Removal, removal_body, set_body
    from spanledger.config import load
    from spanledger.overrides_file import read_overrides
    from spanledger.publishing import override_draft, removal_draft

    if file and remove:
        raise click.UsageError("FILE and --remove exclude each other: set rules, or end some")
    if not file and not remove:
        _list_overrides(data, form, output)
        return
    settings = load(data=data, file=config_file)
    who = author or _login()
    if file:
        rules = read_overrides(file, who)
        event_seq = publish(settings, override_draft(set_body(rules)))
        say(f"event {event_seq}: {len(rules)} rules price what arrives from now on: {_ids(rules)}")
    else:
        _refuse_unknown(settings.data.root, remove)
        removal = Removal(remove, reason or "none given", who)
        event_seq = publish(settings, removal_draft(removal_body(removal)))
        say(f"event {event_seq}: {len(remove)} rules ended: {', '.join(remove)}")


IN_FORCE = "SELECT * EXCLUDE (tenant, action, in_force) FROM price_overrides WHERE in_force ORDER BY event_seq"


def _list_overrides(data: Path | None, form: str | None, output: Path | None) -> None:
    from spanledger.cli.output import emit
    from spanledger.cli.source import connect

    with connect(data) as connection:
        emit(connection.sql(IN_FORCE).to_arrow_table(), form, output)


def _refuse_unknown(root: Path, override_ids: tuple[str, ...]) -> None:
    from difflib import get_close_matches

    from ledger.errors import NotFound
    from spanledger.cli.source import connect

    with connect(root) as connection:
        known = [row[0] for row in connection.sql(f"SELECT override_id FROM ({IN_FORCE})").fetchall()]
    for each in override_ids:
        if each not in known:
            near = get_close_matches(each, known, 3, 0.4)
            raise NotFound(f"no rule {each!r} is in force{'; near are ' + ', '.join(near) if near else ''}")


def _ids(rules: Sequence["Rule"]) -> str:
    return ", ".join(rule.override_id for rule in rules)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


COMMANDS = (import_, override)

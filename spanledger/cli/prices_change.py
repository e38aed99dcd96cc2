"""`spanledger prices import`, `override` and `rerate`: what changes prices, each as an event of the journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spanledger.cli import options
from spanledger.cli.output import say

if TYPE_CHECKING:
    from ledger.books.override import Rule
    from ledger.journal.frame import Draft
    from queries.prices.books import Shelf
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
    if old.book_id == new.book_id:  # where there is no ledger yet, it is the one that a new ledger begins with
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
@options.source
@options.config
@options.output
def override(
    file: Path | None,
    remove: tuple[str, ...],
    reason: str | None,
    author: str | None,
    data: Path | None,
    url: str | None,
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

    What a tool costs is said likewise: `match: {tool: "web_*", unit: tool_calls}` with price_usd a call, or unit
    tool_seconds with price_usd a second that it runs.

    Prices that go by size are tiers, in place of price_usd: `tiers: [{from: 0, price_usd: "2"}, {from: 200000,
    price_usd: "1"}]`. With `tier_rule: graduated` each part of a line's quantity costs its own; with `tier_rule: whole`
    all costs what the request's tokens in reach.

    A rule prices what arrives from then on; one of the same id takes its place. What is booked stays as it is until
    `prices rerate`. Each line keeps its cost at list price beside the one that is booked.
    """
    from ledger.books.rule_events import Removal, removal_body, set_body
    from spanledger.config import load
    from spanledger.overrides_file import read_overrides
    from spanledger.publishing import override_draft, removal_draft

    if file and remove:
        raise click.UsageError("FILE and --remove exclude each other: set rules, or end some")
    if not file and not remove:
        _list_overrides(data, url, form, output)
        return
    if url:
        raise click.UsageError("--url is for reading: to set or end rules give --data DIR")
    settings = load(data=data, file=config_file)
    who = author or login()
    if file:
        rules = read_overrides(file, who)
        event_seq = publish(settings, override_draft(set_body(rules)))
        say(f"event {event_seq}: what arrives from now on is priced by {_ids(rules)}")
    else:
        _refuse_unknown(settings.data.root, remove)
        removal = Removal(remove, reason or "none given", who)
        event_seq = publish(settings, removal_draft(removal_body(removal)))
        say(f"event {event_seq}: {len(remove)} rules ended: {', '.join(remove)}")


IN_FORCE = """
SELECT * EXCLUDE (tenant, action, in_force) FROM price_overrides WHERE in_force ORDER BY event_seq, position
"""


def _list_overrides(data: Path | None, url: str | None, form: str | None, output: Path | None) -> None:
    from spanledger.cli.lists import listed
    from spanledger.cli.output import emit

    with listed(data, url, "price-overrides") as connection:
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


def login() -> str:
    """Who is at the terminal, as far as the system knows."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@click.command("rerate")
@click.option("--since", required=True, help="Calls charged from then on: 7d, 24h, 30m, a date, or an RFC 3339 time.")
@click.option("--book", required=True, help="The price book to go by: `current`, or the first 6 digits of an id.")
@click.option("--dry-run", is_flag=True, help="Show the difference, and order nothing.")
@click.option("--reason", default="prices corrected", show_default=True, help="Why; kept with the order.")
@click.option("--author", help="Who orders it [default: your login name].")
@options.data
@options.config
@options.output
def rerate(
    since: str,
    book: str,
    dry_run: bool,
    reason: str,
    author: str | None,
    data: Path | None,
    config_file: Path | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Price anew what is booked, by a published price book and the overrides and policies now in force.

    Shows first what changes, by model or tool, and agent. Then calls that cost something else are corrected: their
    lines are taken back and booked anew, as of the order, so what was known before stays known (`charges_as_of`).
    """
    import time
    from decimal import Decimal

    from queries.prices.rerate import difference, slices
    from queries.since import since_ns
    from queries.wire import decimal_text
    from spanledger.cli.output import emit
    from spanledger.cli.prices import shelf
    from spanledger.cli.source import connect
    from spanledger.config import load

    settings = load(data=data, file=config_file)
    start_ns = since_ns(since, time.time_ns())
    with connect(settings.data.root) as connection, shelf(settings.data.root) as books:
        found = books.named(book)
        book_seq = _published(books, found.book_id, book)
        change = difference(connection, start_ns, found)
        stretches = slices(connection, start_ns)
    emit(change.rows, form, output)
    by = decimal_text(change.usd)
    say(f"{change.changed:,} of {change.calls:,} calls would cost something else, in all by {by} USD")
    if dry_run or not change.changed:
        say("nothing was ordered")
        return
    orders = _orders(stretches, book_seq, reason, author or login())
    first, last = _publish_all(settings, orders)
    with connect(settings.data.root) as connection:
        told = connection.execute(CORRECTED, [first, last]).fetchone()
    calls, usd = told or (0, 0)
    amount = decimal_text(Decimal(usd or 0))
    say(f"events {first} to {last}: {calls or 0:,} calls corrected, in all by {amount} USD")


CORRECTED = """
SELECT (SELECT sum(calls) FROM rerates WHERE event_seq BETWEEN $1 AND $2),
       (SELECT sum(cost_usd) FROM charges WHERE event_seq IN (SELECT event_seq FROM rerates
                                                              WHERE event_seq BETWEEN $1 AND $2))
"""


def _published(books: "Shelf", book_id: str, name: str) -> int:
    from ledger.errors import NotFound

    event_seq = books.event_of(book_id)
    if event_seq is None:
        raise NotFound(f"price book {name!r} was not published here: `spanledger prices import` publishes one")
    return event_seq


def _orders(stretches: list[tuple[int, int]], book_seq: int, reason: str, author: str) -> list["Draft"]:
    import secrets

    from ledger.books.order import Order, order_body
    from spanledger.publishing import order_draft

    rerate_id = secrets.token_hex(8)
    orders = (Order(rerate_id, book_seq, since, until, reason, author) for since, until in stretches)
    return [order_draft(order_body(order)) for order in orders]


def _publish_all(settings: "Config", drafts: list["Draft"]) -> tuple[int, int]:
    from spanledger.appending import door

    with door(settings) as ledger:
        events = [ledger.append(draft) for draft in drafts]
        ledger.settle(events[-1], lambda _cursor: None)
    return events[0], events[-1]


COMMANDS = (import_, override, rerate)

"""`spanledger prices`: read price books and, by events, change what prices calls to come or calls that were."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.errors import NotFound
from spanledger.cli import options, prices_change
from spanledger.cli.output import emit, say

if TYPE_CHECKING:
    from ledger.books.book import PriceBook
    from queries.prices.books import Shelf

book = click.option(
    "--book",
    default="current",
    show_default=True,
    help="Which book: `current`, `seed` (shipped), `installed` (genai-prices here), an id's first 6 digits, or a FILE.",
)
at = click.option("--at", help="Prices as they were then: a date or an RFC 3339 time [default: now].")
provider = click.option("--provider", help="Only of this provider, by any name that telemetry has for it.")


@click.group("prices")
def command() -> None:
    """Look at price books, publish a newer one, set your own prices, re-rate what was booked."""


@contextmanager
def shelf(data: Path | None) -> Iterator["Shelf"]:
    """The price books of the ledger; without a ledger, the one that this program ships."""
    from ledger.journal.read import JournalReader
    from queries.prices.books import Shelf
    from spanledger.cli.source import connect, directory

    with ExitStack() as open_things:
        try:
            connection = open_things.enter_context(connect(data))
        except NotFound:
            if data is not None:
                raise
            say("no ledger here yet: `current` is the price book that this program ships")
            yield Shelf(None, None)
            return
        yield Shelf(connection, open_things.enter_context(JournalReader(directory(data))))


@contextmanager
def finding(data: Path | None, url: str | None) -> Iterator[Callable[[str], "PriceBook"]]:
    """What gives the price book that a person names: of the ledger, or of the server at `url`."""
    from queries.prices.books import may_be_published, named, unknown
    from spanledger.cli.source import fetch_body, one_source

    one_source(data, url)
    if url is None:
        with shelf(data) as books:
            yield books.named
        return

    def published_body(name: str) -> bytes:
        if not may_be_published(name):
            raise unknown(name)
        return fetch_body(url, f"/api/v1/price-books/{name}")

    yield lambda name: named(name, published_body)


def moment_ns(text: str | None) -> int:
    """`text` as nanoseconds since 1970 UTC, now where there is none."""
    from queries.since import since_ns

    return since_ns(text, time.time_ns()) if text else time.time_ns()


@command.command("ls")
@click.argument("pattern", required=False)
@options.source
@book
@provider
@at
@click.option("--tools", is_flag=True, help="List what tools cost: by your own prices, as no book has any.")
@options.output
def ls(
    pattern: str | None,
    data: Path | None,
    url: str | None,
    book: str,
    provider: str | None,
    at: str | None,
    tools: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """List models with the ordinary prices of a million tokens, for the smallest requests.

    PATTERN is part of a model's name, or with `*` the whole of it. With --tools it is the name of a tool: of several
    prices for one unit the first holds.
    """
    if tools:
        _list_tools(data, url, pattern, moment_ns(at), form, output)
        return
    from queries.prices.rows import listing

    with finding(data, url) as found:
        emit(listing(found(book), moment_ns(at), pattern, provider), form, output)


def _list_tools(
    data: Path | None, url: str | None, pattern: str | None, at_ns: int, form: str | None, output: Path | None
) -> None:
    from queries.prices.tools import fees
    from spanledger.cli.lists import listed

    with listed(data, url, "price-overrides") as connection:
        found = fees(connection, at_ns, pattern)
    emit(found, form, output)
    if not found.num_rows:
        say("no price of a tool is in force then: `spanledger prices override FILE` sets one")


@command.command("show")
@click.argument("model")
@options.source
@book
@provider
@at
@click.option("--history", is_flag=True, help="Every price the model ever had, not only those of one moment.")
@options.output
def show(
    model: str,
    data: Path | None,
    url: str | None,
    book: str,
    provider: str | None,
    at: str | None,
    history: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Show every price of MODEL, found by its name as a call's would be: by unit, request size and circumstance."""
    from queries.prices.rows import shown

    with finding(data, url) as found:
        rows, remark = shown(found(book), model, None if history else moment_ns(at), provider)
    emit(rows, form, output)
    if remark:
        say(remark)


@command.command("diff")
@click.argument("a")
@click.argument("b")
@options.source
@options.output
def diff(a: str, b: str, data: Path | None, url: str | None, form: str | None, output: Path | None) -> None:
    """Compare the price books A and B: prices added, removed and changed from A to B."""
    from queries.prices.compare import CHANGES, difference

    with finding(data, url) as found:
        rows = difference(found(a), found(b))
    emit(rows, form, output)
    changes = rows["change"].to_pylist()
    say(", ".join(f"{changes.count(change):,} {change}" for change in CHANGES))


@command.command("check")
@click.argument("book", default="current")
@options.source
@options.output
def check(book: str, data: Path | None, url: str | None, form: str | None, output: Path | None) -> None:
    """Check a price BOOK [default: current]: whether it can be read (exit code 1 if not), and what in it is odd.

    Odd: prices that were rounded, units and circumstances by which nothing is charged yet, and unlikely figures.
    """
    from queries.prices.compare import clauses, oddities

    with finding(data, url) as found:
        checked = found(book)
    odd = oddities(checked)
    emit(odd, form, output)
    say(
        f"sound: {checked.source} {checked.source_version}, {checked.book_id[:12]}, {len(checked.rows):,} prices of "
        f"{clauses(checked):,} models; {odd.num_rows:,} odd rows"
    )


for _change in prices_change.COMMANDS:
    command.add_command(_change)

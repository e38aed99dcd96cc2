"""What an export takes from a ledger, and what it tells the person who asked for it."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import LedgerError
from queries.export.window import LISTING, NS_MAX, NS_MIN, Taken, Window, take
from queries.since import since_ns
from spanledger.cli.output import say
from spanledger.cli.source import connect

if TYPE_CHECKING:
    import duckdb


@contextmanager
def taken(
    data: Path | None, start: str | None, end: str | None, as_of: int | None
) -> Iterator[tuple["duckdb.DuckDBPyConnection", Taken]]:
    """The ledger with its view `exported` of charges that count from `start` and before `end`."""
    now_ns = time.time_ns()
    window = Window(
        since_ns(start, now_ns, "--from") if start else NS_MIN,
        since_ns(end, now_ns, "--to") if end else NS_MAX,
        as_of,
    )
    with connect(data) as connection, _named():
        yield connection, take(connection, window)


@contextmanager
def _named() -> Iterator[None]:
    """What DuckDB cannot do (a full disk, a sum out of range) as an error that a command ends with."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise LedgerError(f"export: {error}") from error


def say_what(taken: Taken, written: str, data: Path | None) -> None:
    """Say what was written, as known when, and what is missing from it."""
    say(f"{written} of {taken.charges:,} charges, as known at event {taken.as_of}")
    if not taken.charges:
        say("no charge counts in this time: `spanledger cost` shows what there is")
    if taken.unpriced:
        where = f" --data {shlex.quote(str(data))}" if data else ""
        say(
            f"{taken.unpriced:,} quantities of {taken.unpriced_calls:,} calls have no known cost and are left out; "
            f'to list them: spanledger sql{where} "{LISTING}"'
        )

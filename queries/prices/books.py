"""Find a price book by what a person calls it: an id's beginning, `current`, `seed`, `installed`, or a file."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

import duckdb

from ledger.books.book import PriceBook, seed_body
from ledger.books.format import BOOK_BYTES_MAX
from ledger.errors import NotFound, Refused
from ledger.journal.read import JournalReader
from queries.runs import Row, rows_of

CURRENT, SEED, INSTALLED = "current", "seed", "installed"
ID_DIGITS_MIN = 6
"""Digits that name a book, as of every id."""
_BEGINNING = re.compile(rf"[0-9a-f]{{{ID_DIGITS_MIN},64}}")
NAMES_MAX = 5
"""Names proposed where one is not known."""

PUBLISHED = "SELECT price_book_id, source, source_version, event_seq FROM price_books ORDER BY event_seq"


class Shelf:
    """The books that a ledger was given, or none where there is no ledger."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None, journal: JournalReader | None) -> None:
        self._journal = journal
        self.published: list[Row] = rows_of(connection.execute(PUBLISHED)) if connection else []

    def named(self, name: str) -> PriceBook:
        """As `named` finds it, with the ledger's own books."""
        return named(name, self.published_body)

    def published_body(self, name: str) -> bytes:
        """Bytes of the book that the ledger calls `name`: `current`, `seed`, or the beginning of an id.

        Raises NotFound, or Refused where several begin so.
        """
        if name == CURRENT and self.published:
            return self._of_event(self.published[-1])
        if name in (CURRENT, SEED):
            return seed_body()
        events = {str(row["price_book_id"]): row for row in self.published}
        begin = name.lower()
        found = [each for each in sorted(events) if each.startswith(begin)] if _BEGINNING.fullmatch(begin) else []
        if len(found) > 1:
            told = ", ".join(each[:12] for each in found[:NAMES_MAX])
            raise Refused(f"price book {name!r}: several begin so: {told}; give more of it")
        if not found:
            raise unknown(name, list(events))
        return self._of_event(events[found[0]])

    def event_of(self, book_id: str) -> int | None:
        """The last event that published the book, None where none did."""
        seqs = [int(str(row["event_seq"])) for row in self.published if row["price_book_id"] == book_id]
        return seqs[-1] if seqs else None

    def _of_event(self, row: Row) -> bytes:
        assert self._journal is not None
        return self._journal.get(int(str(row["event_seq"]))).body


def named(name: str, published_body: Callable[[str], bytes]) -> PriceBook:
    """The book called `name`: `installed` is what is installed here, another name one of the books that
    `published_body` gives or raises NotFound for, or else a file here.

    Raises NotFound, or Refused where the name is that of several or the file is no book.
    """
    if name == INSTALLED:
        return PriceBook.parse(installed_body())
    try:
        return PriceBook.parse(published_body(name))
    except NotFound as error:
        if not Path(name).is_file():
            raise NotFound(f"{error}; nor is it a file, or `{INSTALLED}`") from error
    return PriceBook.parse(_file_body(Path(name)))


def may_be_published(name: str) -> bool:
    """Whether a ledger may call a book so: a path is nothing to ask a server for."""
    return name in (CURRENT, SEED) or _BEGINNING.fullmatch(name.lower()) is not None


def unknown(name: str, ids: Sequence[str] = ()) -> NotFound:
    """No book is published under `name`, of those with `ids`: the names most like it, or else the last ones."""
    digits = max(len(name), ID_DIGITS_MIN)
    near = get_close_matches(name.lower(), [CURRENT, SEED, *{each[:digits] for each in ids}], NAMES_MAX, 0.6)
    last = ", ".join(each[:12] for each in ids[-NAMES_MAX:]) or "none"
    told = f"near are {', '.join(near)}" if near else f"known are `{CURRENT}`, `{SEED}` and, published last, {last}"
    return NotFound(f"price book {name[:64]!r}: none is published by this name or with an id that begins so; {told}")


def installed_body() -> bytes:
    """Compiled from the genai-prices that is installed. Raises NotFound where none is."""
    try:
        from ledger.books.compile import compile_book
    except ImportError as error:
        raise NotFound(
            f"genai-prices cannot be imported ({error}): `pip install genai-prices`, or give a compiled FILE; "
            f"`{SEED}` is the book that this program ships"
        ) from error
    return compile_book()


def _file_body(path: Path) -> bytes:
    if path.stat().st_size > BOOK_BYTES_MAX:
        raise Refused(f"{path}: {path.stat().st_size} bytes, at most {BOOK_BYTES_MAX} are read as a price book")
    return path.read_bytes()

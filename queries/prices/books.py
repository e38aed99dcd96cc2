"""Find a price book by what a person calls it: an id's beginning, `current`, `seed`, `installed`, or a file."""

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

PUBLISHED = "SELECT price_book_id, source, source_version, event_seq FROM price_books ORDER BY event_seq"


class Shelf:
    """The books that a ledger was given, or none where there is no ledger."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None, journal: JournalReader | None) -> None:
        self._journal = journal
        self.published: list[Row] = rows_of(connection.execute(PUBLISHED)) if connection else []

    def named(self, name: str) -> PriceBook:
        """The book called `name`. Raises NotFound, or Refused where the name is that of several or the file is none."""
        return PriceBook.parse(self.body(name))

    def body(self, name: str) -> bytes:
        """Its bytes, as they are or would be published."""
        if name == CURRENT and self.published:
            return self._of_event(self.published[-1])
        if name in (CURRENT, SEED):
            return seed_body()
        if name == INSTALLED:
            return installed_body()
        ids = sorted({str(row["price_book_id"]) for row in self.published})
        found = [each for each in ids if each.startswith(name.lower())] if len(name) >= ID_DIGITS_MIN else []
        if len(found) == 1:
            return self._of_event(next(row for row in self.published if row["price_book_id"] == found[0]))
        if found:
            raise Refused(f"price book {name!r}: several begin so: {', '.join(each[:12] for each in found)}")
        return _file_body(Path(name), ids)

    def event_of(self, book_id: str) -> int | None:
        """The last event that published the book, None where none did."""
        seqs = [int(str(row["event_seq"])) for row in self.published if row["price_book_id"] == book_id]
        return seqs[-1] if seqs else None

    def _of_event(self, row: Row) -> bytes:
        assert self._journal is not None
        return self._journal.get(int(str(row["event_seq"]))).body


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


def _file_body(path: Path, ids: list[str]) -> bytes:
    if not path.is_file():
        known = ", ".join(each[:12] for each in ids) or "none published here"
        raise NotFound(
            f"price book {str(path)!r}: no file, and no id that begins so (known: {known}); "
            f"`{CURRENT}`, `{SEED}` and `{INSTALLED}` are names too"
        )
    if path.stat().st_size > BOOK_BYTES_MAX:
        raise Refused(f"{path}: {path.stat().st_size} bytes, at most {BOOK_BYTES_MAX} are read as a price book")
    return path.read_bytes()

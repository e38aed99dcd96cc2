"""Which price book was in force at which event. The books themselves are events: their bytes are in the journal."""

import json
from bisect import bisect_right
from collections.abc import Callable

from ledger.books.book import PARSED_MAX, PriceBook
from ledger.errors import Corrupt


class BooksInForce:
    """Published books in order of their events; parsed when first asked for."""

    def __init__(self, body_of: Callable[[int], bytes], published: list[int], ids: list[str]) -> None:
        """`published`: the events; `ids`: of the book of each."""
        self._body_of = body_of
        self._published, self._ids = published, ids
        self._parsed: dict[int, PriceBook] = {}

    @classmethod
    def restore(cls, body_of: Callable[[int], bytes], state: bytes | None) -> "BooksInForce":
        return cls(body_of, *(json.loads(state) if state else ([], [])))

    def state(self) -> bytes:
        return json.dumps([self._published, self._ids]).encode()

    def knows(self, book: PriceBook) -> bool:
        """Whether it was published before."""
        return book.book_id in self._ids

    def publish(self, event_seq: int, book: PriceBook) -> None:
        self._published.append(event_seq)
        self._ids.append(book.book_id)
        self._parsed[event_seq] = book

    def is_published_by(self, event_seq: int) -> bool:
        """Whether this very event published a book."""
        return event_seq in self._published

    def at(self, event_seq: int) -> PriceBook:
        """The book last published at or before `event_seq`. Raises Corrupt where the journal begins without one."""
        before = bisect_right(self._published, event_seq)
        if not before:
            raise Corrupt(f"event {event_seq}: no price book was published before it; the journal must begin with one")
        seq = self._published[before - 1]
        if seq not in self._parsed:
            while len(self._parsed) >= PARSED_MAX:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[seq] = PriceBook.parse(self._body_of(seq))
        return self._parsed[seq]

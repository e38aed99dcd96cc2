"""Connections over the ledger for the API and the page: built once a cursor, shared out, bounded in number and time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from ledger.errors import Overloaded
from ledger.paths import DataDir
from queries.connect import connect
from queries.progress import posted_seq


@dataclass(frozen=True)
class Bounds:
    """Limits on answering."""

    connections_max: int = 4
    """Questions answered at once: DuckDB uses all cores for one, more only share them."""
    wait_s: float = 5.0
    """Longest wait for one of them to be free."""
    query_s: float = 20.0
    """Longest time for one answer; it is interrupted then."""
    stale_s: float = 0.3
    """A connection this young serves although the cursor moved on: of the second in which a span must be visible."""


DEFAULTS = Bounds()


@dataclass
class Held:
    """A connection, the cursor it shows, and when it was made."""

    connection: duckdb.DuckDBPyConnection
    cursor: int
    made_s: float


class Answers:
    """Hands out connections that show the ledger as it is now."""

    def __init__(
        self, data: DataDir, bounds: Bounds = DEFAULTS, opens: Callable[..., duckdb.DuckDBPyConnection] = connect
    ):
        self.data, self._bounds, self._open = data, bounds, opens
        self._free: list[Held] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(bounds.connections_max)

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one answer. Raises Overloaded when none gets free or the answer takes too long."""
        if not self._slots.acquire(timeout=self._bounds.wait_s):
            raise Overloaded(f"{self._bounds.connections_max} questions are being answered; ask again")
        try:
            held = self._take()
            timer = threading.Timer(self._bounds.query_s, held.connection.interrupt)
            timer.start()
            try:
                yield held.connection
            except duckdb.InterruptException as error:
                raise Overloaded(f"the answer took over {self._bounds.query_s:g} s; narrow the question") from error
            finally:
                timer.cancel()
                self._put(held)
        finally:
            self._slots.release()

    def close(self) -> None:
        with self._lock:
            for held in self._free:
                held.connection.close()
            self._free.clear()

    def _take(self) -> Held:
        cursor = posted_seq(self.data)
        with self._lock:
            while self._free:
                held = self._free.pop()
                if held.cursor == cursor or time.monotonic() - held.made_s < self._bounds.stale_s:
                    return held
                held.connection.close()
        return Held(self._open(self.data), cursor, time.monotonic())

    def _put(self, held: Held) -> None:
        with self._lock:
            self._free.append(held)

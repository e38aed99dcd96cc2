"""Connections over the ledger for the API and the page: kept and brought up to date, bounded in number and time.

Making a connection costs more than most answers, so each is kept, and where the ledger moved on shown what is new:
hot rows that it has not seen, and views over files where the list of files is another one.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from ledger.errors import Overloaded
from ledger.paths import DataDir
from ledger.store.snapshot import Snapshot
from queries.connect import connect, show
from queries.progress import Version, version


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
    """What was shown so lately serves although the ledger moved on: of the second in which a span must be visible."""


DEFAULTS = Bounds()


@dataclass
class Held:
    """A connection, what it shows, and since when."""

    connection: duckdb.DuckDBPyConnection
    version: Version
    snapshot: Snapshot
    shown_s: float


class Answers:
    """Hands out connections that show the ledger as it is now."""

    def __init__(self, data: DataDir, bounds: Bounds = DEFAULTS):
        self.data, self._bounds = data, bounds
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
        now = version(self.data)  # before the rows: they may be newer than it says, never older
        with self._lock:
            held = self._free.pop() if self._free else None
        if held is None:
            snapshot = Snapshot.take(self.data)
            return Held(connect(self.data, snapshot), now, snapshot, time.monotonic())
        if held.version != now and time.monotonic() - held.shown_s >= self._bounds.stale_s:
            try:
                self._show(held, now)
            except BaseException:
                held.connection.close()
                raise
        return held

    def _show(self, held: Held, now: Version) -> None:
        same_ledger = held.version.catalog_inode == now.catalog_inode
        snapshot = Snapshot.take(self.data, held.snapshot if same_ledger else None)
        show(held.connection, snapshot, held.snapshot if same_ledger else None)
        held.version, held.snapshot, held.shown_s = now, snapshot, time.monotonic()

    def _put(self, held: Held) -> None:
        with self._lock:
            self._free.append(held)

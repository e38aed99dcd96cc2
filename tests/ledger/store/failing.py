"""A disk and a database that stop at the nth step, and a workload that goes through every kind of step."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ledger.journal.disk import File, PosixDisk
from ledger.store.catalog import Catalog
from ledger.store.options import StoreOptions
from tests.ledger.store import rows

EVENTS = 6
OPTIONS = StoreOptions(flush_rows=10, segment_fan_in=2, run_fan_in=2, replaced_keep_s=2.0)


class Stopped(Exception):
    """The machine stops here."""


class Countdown:
    """Lets `steps` steps happen, then none any more: the machine has stopped, or another `error` is met."""

    def __init__(self, steps: int, error: Exception | None = None) -> None:
        self.left, self._error = steps, error or Stopped()

    def step(self) -> None:
        if self.left == 0:
            raise self._error
        self.left -= 1


class StoppingDisk(PosixDisk):
    """Every step either happens whole or, from the nth on, not at all; a write may also happen in half."""

    def __init__(self, countdown: Countdown) -> None:
        self._countdown = countdown

    def open_append(self, path: Path) -> File:
        self._countdown.step()
        return StoppingFile(super().open_append(path), self._countdown)

    def mkdir(self, directory: Path) -> None:
        self._countdown.step()
        super().mkdir(directory)

    def rename(self, source: Path, target: Path) -> None:
        self._countdown.step()
        super().rename(source, target)

    def sync_dir(self, directory: Path) -> None:
        self._countdown.step()
        super().sync_dir(directory)

    def unlink(self, path: Path) -> None:
        self._countdown.step()
        super().unlink(path)


class StoppingFile:
    def __init__(self, file: File, countdown: Countdown) -> None:
        self._file, self._countdown = file, countdown

    @property
    def size(self) -> int:
        return self._file.size

    def write(self, parts: Sequence[bytes]) -> None:
        if self._file.size == 0:  # one step a file: pyarrow writes each page by itself
            self._file.write([part[: len(part) // 2] for part in parts])
            self._countdown.step()
            self._file.truncate(0)
        self._file.write(parts)

    def write_at(self, offset: int, data: bytes) -> None:
        self._countdown.step()
        self._file.write_at(offset, data)

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def sync(self) -> None:
        self._countdown.step()
        self._file.sync()

    def close(self) -> None:
        self._file.close()


def full_connection(countdown: Countdown) -> type[sqlite3.Connection]:
    """Cannot commit; the transaction is open still, and the caller's to roll back."""

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            if sql == "COMMIT":
                countdown.step()
            return super().execute(sql, *parameters)

    return Connection


def stopping_connection(countdown: Countdown) -> type[sqlite3.Connection]:
    """Stops before a COMMIT, or after it, when the caller does not yet know that it happened."""

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *parameters)
            countdown.step()
            cursor = super().execute(sql)
            countdown.step()
            return cursor

    return Connection


def work(catalog: Catalog, clock: object, printed: bool = False) -> None:
    """Post the events that are missing, with flushes, merges and removals between."""
    for seq in range(catalog.cursor + 1, EVENTS):
        rows.post_event(seq, days=2).apply(catalog)
        clock.advance(1.0)  # type: ignore[attr-defined]
        catalog.tidy()
        if printed:
            print(catalog.cursor, flush=True)

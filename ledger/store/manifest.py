"""catalog.sqlite: its tables, how it is opened, and the records in it. One transaction is one state of the ledger.

WAL with `synchronous=NORMAL`: a commit is atomic and survives the death of the process (kill -9). A power cut may take
back the last commits, whole ones and in order; the poster then posts them again from the journal, which is synced.
The one place where that is not enough is removing files: see `Catalog.tidy`. (docs/adr/0011)
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ledger.errors import Incompatible
from ledger.journal.disk import Disk
from ledger.schema import POSTING_VERSION
from ledger.store import activity, series, unsettled
from ledger.store.files import ASIDE

FORMAT = 2
"""2: segments have a checksum of the whole file."""
PAGE_BYTES = 16384
"""Hot rows are blobs of many pages: large pages keep their chains short."""
BUSY_TIMEOUT_S = 5.0
"""The poster is the only writer; a reader waits this long at most while a log is being reset."""
JOURNAL_BYTES_MAX = 64 << 20
"""The write-ahead log is cut back to this when it is reset."""

TABLES_SQL = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE hot (hot_id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, rows INTEGER NOT NULL,
                  body BLOB NOT NULL);
CREATE TABLE segment (file_number INTEGER PRIMARY KEY, table_name TEXT NOT NULL, shard INTEGER NOT NULL,
                      day TEXT NOT NULL, path TEXT NOT NULL, rows INTEGER NOT NULL, file_bytes INTEGER NOT NULL,
                      first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, crc32c INTEGER NOT NULL);
CREATE TABLE replaced (path TEXT PRIMARY KEY, replaced_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE trace_hot (hot_id INTEGER PRIMARY KEY AUTOINCREMENT, pairs INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE trace_run (file_number INTEGER PRIMARY KEY, path TEXT NOT NULL, pairs INTEGER NOT NULL);
CREATE TABLE control_key (key TEXT PRIMARY KEY, event_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """One Parquet file of the ledger: rows of one table, one shard and one UTC day of record time."""

    file_number: int
    table_name: str
    shard: int
    day: str
    path: str
    rows: int
    file_bytes: int
    first_seq: int
    last_seq: int
    crc32c: int

    def may_hold(self, events: npt.NDArray[np.int64]) -> bool:
        """Whether rows of one of `events`, which are ordered, may be in this file."""
        at = int(np.searchsorted(events, self.first_seq))
        return at < len(events) and int(events[at]) <= self.last_seq


@dataclass(frozen=True, slots=True)
class TraceRun:
    """One file of the index of known traces."""

    file_number: int
    path: str
    pairs: int


Connect = Callable[..., sqlite3.Connection]
"""sqlite3.connect, or what a test puts in its place to see and to fail commits."""


def create_or_open(path: Path, disk: Disk, connect: Connect) -> sqlite3.Connection:
    """The catalog for its one writer, made when missing."""
    if not disk.exists(path):
        create(path, disk, connect)
    db = connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES_MAX}")
    try:
        check_versions(db, path)
    except BaseException:
        db.close()
        raise
    return db


def create(path: Path, disk: Disk, connect: Connect) -> None:
    """An empty catalog, made aside: a reader finds no file or all tables, also after a power cut."""
    aside = path.with_name(path.name + ASIDE)
    for leftover in (aside, aside.with_name(aside.name + "-journal")):
        if disk.exists(leftover):
            disk.unlink(leftover)
    disk.open_append(aside).close()  # with its mode, before SQLite would make it readable for others
    db = connect(aside, isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        with transaction(db):
            for statement in (TABLES_SQL + activity.TABLE_SQL + series.TABLE_SQL + unsettled.TABLE_SQL).split(";"):
                db.execute(statement)
            for name, value in (("format", FORMAT), ("posting_version", POSTING_VERSION), ("cursor", -1), ("file", 0)):
                put_meta(db, name, value)
    finally:
        db.close()
    disk.rename(aside, path)
    disk.sync_dir(path.parent)


def open_read_only(path: Path) -> sqlite3.Connection:
    """The catalog for a reader, also while a poster writes. A directory that cannot be written is read as it lies."""
    mode = "mode=rw" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    db.execute("PRAGMA query_only = 1")
    return db


def check_versions(db: sqlite3.Connection, path: Path) -> None:
    """A ledger that this program can read. It is derived: another one is made anew, and never converted."""
    found = get_meta(db, "format")
    if found != FORMAT:
        newer = "install the newer program, or " if found > FORMAT else ""
        raise Incompatible(
            f"{path}: written in format {found}, this program reads {FORMAT}; {newer}run `spanledger rebuild`"
        )
    found = get_meta(db, "posting_version")
    if found != POSTING_VERSION:
        raise Incompatible(
            f"{path}: posted by version {found} of the posting rules, this program posts by {POSTING_VERSION}; "
            "run `spanledger rebuild`"
        )


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the statements inside, or none."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself has rolled back after some errors, such as a full disk
            db.execute("ROLLBACK")
        raise


def get_meta(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])


def put_meta(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))


def segments(db: sqlite3.Connection) -> list[Segment]:
    return [Segment(*row) for row in db.execute("SELECT * FROM segment ORDER BY file_number")]


def trace_runs(db: sqlite3.Connection) -> list[TraceRun]:
    return [TraceRun(*row) for row in db.execute("SELECT * FROM trace_run ORDER BY file_number")]


def put_segment(db: sqlite3.Connection, segment: Segment) -> None:
    row = (
        segment.file_number, segment.table_name, segment.shard, segment.day, segment.path, segment.rows,
        segment.file_bytes, segment.first_seq, segment.last_seq, segment.crc32c,
    )  # fmt: skip
    db.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def put_trace_run(db: sqlite3.Connection, run: TraceRun) -> None:
    db.execute("INSERT INTO trace_run VALUES (?, ?, ?)", (run.file_number, run.path, run.pairs))


def replace_files(db: sqlite3.Connection, table: str, old: Sequence[Segment] | Sequence[TraceRun], now_ns: int) -> None:
    """Take `old` out of the manifest; their files stay for readers that already know them."""
    for item in old:
        db.execute(f"DELETE FROM {table} WHERE file_number = ?", (item.file_number,))
        db.execute("INSERT INTO replaced VALUES (?, ?)", (item.path, now_ns))

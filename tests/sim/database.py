"""SQLite under the simulated disk: real SQLite on a real file, and a model of what a power cut may leave of it.

The model is what SQLite's documentation of write-ahead logging promises (https://sqlite.org/wal.html and
https://sqlite.org/pragma.html#pragma_synchronous): the log is synced before a checkpoint and the file after it, and
with FULL at each commit too. What lies in the log behind the last sync is there or not, block by block, or is noise.
A crash within a checkpoint leaves any mixture of old and new blocks in the file, and the log whole. Nobody says what
SQLite makes of that: the real one finds it at the next start and recovers.
"""

import errno
import random
import sqlite3
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.ledger.journal.simdisk import Inode, PowerCut

if TYPE_CHECKING:
    from tests.sim.disk import MirroredDisk

BLOCK_BYTES = 4096
LOG_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
CHECKPOINT_PAGES = 40
"""SQLite's own automatic checkpoint comes at 1,000 pages: no history is that long."""
OFF, FULL = 0, 2
ERRORS = {errno.EIO: "disk I/O error", errno.ENOSPC: "database or disk is full"}


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


class CatalogInode(Inode):
    """The catalog's file and its log, which go together."""

    def __init__(self, main: bytes, log: bytes = b"", sure_bytes: int = 0) -> None:
        super().__init__()
        self.main, self.log = main, log
        self.sure_bytes = self.end_bytes = sure_bytes
        self._salt, self._read_back = log[16:24], bool(log)
        self._unsynced_over = b""
        self._within_checkpoint: tuple[bytes, bytes] | None = None

    def begun(self, path: Path) -> None:
        """A transaction begins. After a power cut the log goes on where SQLite's recovery says that it ended."""
        if self._read_back:
            self._read_back = False
            self.sure_bytes = min(self.sure_bytes, _log_end(path)[1])

    def committed(self, path: Path, level: int) -> None:
        """A commit wrote to the log; `level` is `PRAGMA synchronous`."""
        salt, self.end_bytes = _log_end(path)
        if salt != self._salt:  # begun anew: its header is synced, so that no older frame can follow it
            self._salt, self.sure_bytes = salt, LOG_HEADER_BYTES if level else 0
        if level >= FULL:
            self.sure_bytes = self.end_bytes

    def checkpointed(self, level: int, before: bytes = b"") -> None:
        """The log is in the file, which held `before`. Without any sync the file may still hold that too."""
        if level:
            self.sure_bytes = self.end_bytes
        else:
            self._unsynced_over = self._unsynced_over or before

    def crashed_within_checkpoint(self, before: bytes, after: bytes, log: bytes, chance: random.Random) -> None:
        self._within_checkpoint = mixed(before, after, chance), log

    def capture(self, path: Path) -> None:
        """Take down what the real files hold."""
        if self._within_checkpoint is not None:
            (self.main, self.log), self._within_checkpoint = self._within_checkpoint, None
        elif path.exists():
            self.main = path.read_bytes()
            self.log = log_of(path).read_bytes() if log_of(path).exists() else b""
        self.end_bytes = min(self.end_bytes, len(self.log))
        self.sure_bytes = min(self.sure_bytes, len(self.log))

    def after_cut(self, chance: random.Random) -> "CatalogInode":
        odds, noisy = chance.choice((0.0, 0.5, 0.9, 1.0)), chance.random() < 0.3
        kept = bytearray(self.log[: self.sure_bytes])
        for at in range(self.sure_bytes, self.end_bytes, BLOCK_BYTES):
            block = self.log[at : min(at + BLOCK_BYTES, self.end_bytes)]
            lost = chance.randbytes(len(block)) if noisy else bytes(len(block))
            kept += block if chance.random() < odds else lost
        main = mixed(self._unsynced_over, self.main, chance) if self._unsynced_over else self.main
        return CatalogInode(main, bytes(kept), len(kept))

    def show(self, path: Path) -> None:
        for old in (path, log_of(path), path.with_name(path.name + "-shm")):
            old.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.main)
        if self.log:
            log_of(path).write_bytes(self.log)


def mixed(before: bytes, after: bytes, chance: random.Random) -> bytes:
    """`after`, with some blocks as they were before."""
    blocks = range(0, len(after), BLOCK_BYTES)
    return b"".join((before if chance.random() < 0.5 else after)[at : at + BLOCK_BYTES] for at in blocks)


def _log_end(path: Path) -> tuple[bytes, int]:
    """Salt of the log, and where its last committed frame ends by the wal-index (https://sqlite.org/walformat.html)."""
    with log_of(path).open("rb") as log:
        header = log.read(LOG_HEADER_BYTES)
    if not header:
        return b"", 0
    (page_bytes,) = struct.unpack_from(">I", header, 8)
    with path.with_name(path.name + "-shm").open("rb") as index:
        (frames,) = struct.unpack_from("=I", index.read(20), 16)
    return header[16:24], LOG_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + page_bytes)


class SimConnection(sqlite3.Connection):
    """Its commits, checkpoints and closing are operations of a simulated disk."""

    disk: "MirroredDisk"
    path: Path

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            return self._commit()
        if sql != "ROLLBACK":
            self.disk.check_alive(self.path)
        if sql == "PRAGMA journal_mode = WAL":
            super().execute("PRAGMA wal_autocheckpoint = 0")
        cursor = super().execute(sql, *parameters)
        if sql == "BEGIN IMMEDIATE" and isinstance(inode := self.disk.names.get(self.path), CatalogInode):
            inode.begun(self.path)
        return cursor

    def _commit(self) -> sqlite3.Cursor:
        level = int(super().execute("PRAGMA synchronous").fetchone()[0])
        with self.disk.around("commit", self.path):
            try:
                self.disk.step("commit", self.path)
            except OSError as error:
                if self.disk.chance.random() < 0.5:  # after some errors SQLite has rolled back, after others not
                    super().execute("ROLLBACK")
                raise sqlite3.OperationalError(ERRORS[error.errno or errno.EIO]) from error
            except PowerCut:
                if self.disk.chance.random() < 0.5:
                    self._really_commit(level)
                raise
            cursor = self._really_commit(level)
        inode = self.disk.names.get(self.path)
        if isinstance(inode, CatalogInode) and inode.end_bytes > CHECKPOINT_PAGES << 14:
            self._checkpoint(inode, level)
        return cursor

    def _really_commit(self, level: int) -> sqlite3.Cursor:
        cursor = super().execute("COMMIT")
        inode = self.disk.names.get(self.path)
        if isinstance(inode, CatalogInode):
            inode.committed(self.path, level)
        return cursor

    def _checkpoint(self, inode: CatalogInode, level: int) -> None:
        """The automatic one, within the call that committed. SQLite passes over its errors."""
        before, log = self.path.read_bytes(), log_of(self.path).read_bytes()
        with self.disk.around("checkpoint", self.path):
            try:
                self.disk.step("checkpoint", self.path)
            except OSError:
                return
            except PowerCut:
                inode.checkpointed(level)  # the log is synced first
                super().execute("PRAGMA wal_checkpoint(PASSIVE)")
                inode.crashed_within_checkpoint(before, self.path.read_bytes(), log, self.disk.chance)
                raise
            super().execute("PRAGMA wal_checkpoint(PASSIVE)")
            inode.checkpointed(level, before)

    def close(self) -> None:
        with self.disk.around("close", self.path):
            with suppress(OSError):  # SQLite passes over errors here too
                self.disk.step("close", self.path)
            super().close()
            self.disk.connections.remove(self)


def connecting(disk: "MirroredDisk") -> Callable[..., sqlite3.Connection]:
    """What stands for sqlite3.connect."""

    def connect(path: Path, **kwargs: Any) -> sqlite3.Connection:
        db = sqlite3.connect(path, factory=SimConnection, **kwargs)
        db.disk, db.path = disk, Path(path)
        disk.connections.append(db)
        return db

    return connect

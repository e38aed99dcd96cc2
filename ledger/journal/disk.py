"""The disk as a seam: all that the journal asks of a file system, and nothing more.

A write is durable only after `File.sync`; a name (created, renamed, unlinked) only after `Disk.sync_dir` of its
directory. Tests put a disk here that loses, tears and reorders whatever was not synced.
"""

import fcntl
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ledger.journal.lock import DirectoryLock

PARTS_MAX = 1024
"""Buffers in one writev: IOV_MAX of Linux and macOS (limits.h)."""

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
"""Prompts and keys' owners are in the files: nobody else on the machine reads them."""


class File(Protocol):
    """An open file that grows at its end."""

    @property
    def size(self) -> int:
        """Bytes in the file, as this handle knows it."""
        ...

    def write(self, parts: Sequence[bytes]) -> None:
        """Append all `parts`, or raise OSError with an unknown part of them written."""
        ...

    def write_at(self, offset: int, data: bytes) -> None:
        """Overwrite from `offset` on."""
        ...

    def truncate(self, size: int) -> None: ...

    def sync(self) -> None:
        """Return once data and size are on the medium. After an OSError nothing more may be believed of this file."""
        ...

    def close(self) -> None: ...


class Source(Protocol):
    """An open file for reading; it stays the same file when another is renamed over its path."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; shorter only at the end of the file."""
        ...

    def close(self) -> None: ...


class Lock(Protocol):
    def release(self) -> None: ...


class Disk(Protocol):
    def open_append(self, path: Path) -> File:
        """Open, created empty (0600) where missing."""
        ...

    def open_read(self, path: Path) -> Source: ...
    def read(self, path: Path, offset: int, length: int) -> bytes: ...
    def size(self, path: Path) -> int: ...
    def exists(self, path: Path) -> bool: ...
    def list(self, directory: Path) -> list[str]:
        """Names in `directory`, sorted; empty where it is missing."""
        ...

    def mkdir(self, directory: Path) -> None:
        """Make it and its parents (0700), durably. No error where it is there."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """A file over another, or a directory to a name that is free."""
        ...

    def unlink(self, path: Path) -> None: ...
    def remove_tree(self, directory: Path) -> None:
        """Remove it with all that is in it, in any order. No error where it is missing."""
        ...

    def chmod(self, path: Path, mode: int) -> None: ...
    def sync_dir(self, directory: Path) -> None: ...
    def free_bytes(self, directory: Path) -> int: ...
    def write_atomic(self, path: Path, data: bytes) -> None:
        """Durably replace the file: readers see all of the old or all of the new."""
        ...

    def lock(self, directory: Path, note: Path) -> Lock:
        """Take the only lock on `directory`; `note` names the holder. Raises Locked."""
        ...


def sync_fd(fd: int) -> None:
    """Wait until the data of `fd` is on the medium."""
    if sys.platform == "darwin":  # fsync(2) of macOS does not empty the drive's own cache; this does
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(fd)


class PosixFile:
    def __init__(self, path: Path) -> None:
        # No O_APPEND: with it Linux ignores the offset of pwrite (pwrite(2), BUGS).
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        self._size = os.fstat(self._fd).st_size

    @property
    def size(self) -> int:
        return self._size

    def write(self, parts: Sequence[bytes]) -> None:
        for first in range(0, len(parts), PARTS_MAX):
            self._write_some(list(parts[first : first + PARTS_MAX]))

    def _write_some(self, parts: "list[bytes | memoryview]") -> None:
        while parts:
            written = os.pwritev(self._fd, parts, self._size)
            self._size += written
            parts = _rest(parts, written)

    def write_at(self, offset: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._fd, rest, offset)
            offset, rest = offset + written, rest[written:]
        self._size = max(self._size, offset)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        self._size = size

    def sync(self) -> None:
        sync_fd(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def _rest(parts: "list[bytes | memoryview]", written: int) -> "list[bytes | memoryview]":
    """What is left of `parts` after the first `written` bytes (a writev may stop anywhere)."""
    for i, part in enumerate(parts):
        if written < len(part):
            return [memoryview(part)[written:], *parts[i + 1 :]]
        written -= len(part)
    return []


class PosixSource:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._fd, length, offset)
        while 0 < len(data) < length:
            more = os.pread(self._fd, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def close(self) -> None:
        os.close(self._fd)


class PosixDisk:
    """The machine's file system."""

    def open_append(self, path: Path) -> File:
        return PosixFile(path)

    def open_read(self, path: Path) -> Source:
        return PosixSource(path)

    def read(self, path: Path, offset: int, length: int) -> bytes:
        source = PosixSource(path)
        try:
            return source.read(offset, length)
        finally:
            source.close()

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def exists(self, path: Path) -> bool:
        return path.exists()

    def list(self, directory: Path) -> list[str]:
        return sorted(os.listdir(directory)) if directory.is_dir() else []  # noqa: PTH208 - names, not paths

    def mkdir(self, directory: Path) -> None:
        if directory.is_dir():
            return
        self.mkdir(directory.parent)
        with suppress(FileExistsError):  # another process was first
            directory.mkdir(mode=DIRECTORY_MODE)
        self.sync_dir(directory.parent)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def remove_tree(self, directory: Path) -> None:
        if directory.is_dir():
            shutil.rmtree(directory)

    def chmod(self, path: Path, mode: int) -> None:
        path.chmod(mode)

    def sync_dir(self, directory: Path) -> None:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free_bytes(self, directory: Path) -> int:
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize

    def write_atomic(self, path: Path, data: bytes) -> None:
        aside = path.with_name(f"{path.name}.{os.getpid()}.aside")
        aside.unlink(missing_ok=True)
        file = PosixFile(aside)
        try:
            file.write([data])
            file.sync()
        finally:
            file.close()
        aside.rename(path)
        self.sync_dir(path.parent)

    def lock(self, directory: Path, note: Path) -> Lock:
        return DirectoryLock.take(directory, note)


POSIX: Disk = PosixDisk()

"""Whole files on the disk seam: written aside, synced, and renamed into place.

A file under its final name is complete and durable; one under `*.aside` is neither and is removed at the next open.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import google_crc32c

from ledger.journal.disk import Disk, File

ASIDE = ".aside"
GATHERED_BYTES = 1 << 20
"""Pieces are handed on together: pyarrow writes several hundred to a file, most of them of a few bytes."""


class Out:
    """A journal-style file as the writable binary stream that pyarrow asks for."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._parts: list[bytes] = []
        self._waiting_bytes = 0
        self.closed = False
        self.crc32c = 0
        """Of all that was written one after the other."""

    def write(self, data: bytes | memoryview) -> int:
        body = bytes(data)
        self.crc32c = google_crc32c.extend(self.crc32c, body)
        self._parts.append(body)
        self._waiting_bytes += len(body)
        if self._waiting_bytes >= GATHERED_BYTES:
            self.flush()
        return len(body)

    def write_at(self, offset: int, data: bytes) -> None:
        self.flush()
        self._file.write_at(offset, data)

    def tell(self) -> int:
        return self._file.size + self._waiting_bytes

    def flush(self) -> None:
        """Hand on what waits; durability is `published`'s."""
        parts, self._parts, self._waiting_bytes = self._parts, [], 0
        self._file.write(parts)

    def close(self) -> None:
        """`published` closes the file itself, after the sync."""


def aside(path: Path) -> Path:
    """Where `path` is written before it has its name."""
    return path.with_name(path.name + ASIDE)


@contextmanager
def published(disk: Disk, path: Path) -> Iterator[Out]:
    """Write `path` whole or not at all. When this returns the file is complete, under its name, and on the medium."""
    disk.mkdir(path.parent)
    unnamed = aside(path)
    file = disk.open_append(unnamed)
    try:
        try:
            file.truncate(0)  # what a crash left there
            out = Out(file)
            yield out
            out.flush()
            file.sync()
        finally:
            file.close()
        disk.rename(unnamed, path)
    except OSError:
        with suppress(OSError):  # on a full disk half a file would be what keeps it full
            disk.unlink(unnamed)
        raise
    disk.sync_dir(path.parent)

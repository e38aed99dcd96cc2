"""Open a journal file for reading, sealed or not, behind one face."""

from bisect import bisect_right
from pathlib import Path
from typing import Protocol

from ledger.errors import Corrupt
from ledger.journal.disk import Disk, Source
from ledger.journal.file import HEADER_BYTES, VERIFY, FileHeader, decode_file_header
from ledger.journal.sealed import BLOCKS_AT, SealedFile, header_at, is_sealed

INDEX_STEP_BYTES = 128 << 10
"""Distance of the entries in the index of an unsealed file: 2,048 of them for 256 MiB, 128 KiB to walk at most."""


class JournalFile(Protocol):
    """A journal file by the offsets that its frames were written at."""

    header: FileHeader

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on; see `walk.Bytes`."""
        ...

    def near(self, event_seq: int) -> tuple[int, int]:
        """An event at or before `event_seq`, as near as is known, and the offset of its frame."""
        ...

    def note(self, event_seq: int, offset: int) -> None:
        """Learn where an event lies."""
        ...

    def close(self) -> None: ...


class OpenFile:
    """An unsealed file. Its index is what has been walked so far."""

    def __init__(self, source: Source, header: FileHeader) -> None:
        self._source, self.header = source, header
        self._seqs, self._offsets = [header.first_event_seq], [HEADER_BYTES]

    def read(self, offset: int, length: int) -> bytes:
        return self._source.read(offset, length)

    def near(self, event_seq: int) -> tuple[int, int]:
        n = max(0, bisect_right(self._seqs, event_seq) - 1)
        return self._seqs[n], self._offsets[n]

    def note(self, event_seq: int, offset: int) -> None:
        if offset >= self._offsets[-1] + INDEX_STEP_BYTES:
            self._seqs.append(event_seq)
            self._offsets.append(offset)

    def close(self) -> None:
        self._source.close()


class IndexedFile(SealedFile):
    """A sealed file brings its index along."""

    def note(self, event_seq: int, offset: int) -> None:
        """Nothing to learn."""


def open_journal_file(disk: Disk, path: Path) -> JournalFile:
    """Raises Corrupt or Incompatible naming the file."""
    source = _open(disk, path)
    try:
        first = source.read(0, BLOCKS_AT)
        if is_sealed(first):
            return IndexedFile(source, path)
        return OpenFile(source, decode_file_header(first, path))
    except BaseException:
        source.close()
        raise


def read_file_header(disk: Disk, path: Path) -> FileHeader:
    """The header of a journal file, sealed or not."""
    source = _open(disk, path)
    try:
        first = source.read(0, BLOCKS_AT)
    finally:
        source.close()
    return decode_file_header(first[header_at(first) :], path)


def _open(disk: Disk, path: Path) -> Source:
    try:
        return disk.open_read(path)
    except FileNotFoundError as error:
        raise Corrupt(f"{path} is missing, but later files of the journal are there; {VERIFY}") from error

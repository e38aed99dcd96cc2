"""Seal a closed journal file: write its frames compressed aside, read them back, compare, and only then replace it.

The sealed file takes the place and the name of the other in one rename, so there is never both or neither. A reader
that has the old one open keeps it. Interrupted at any point, the sealing begins anew.
"""

import errno
import hashlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from google_crc32c import extend
from zstandard import ZstdCompressor

from ledger.errors import Corrupt, LedgerError
from ledger.journal.disk import Disk, File, Source
from ledger.journal.file import FIRST_FILE_NUMBER, HEADER_BYTES, VERIFY, FileHeader, decode_file_header, file_path
from ledger.journal.options import JournalOptions
from ledger.journal.recover import check_place
from ledger.journal.sealed import BLOCKS_AT, Block, Index, SealedFile, encode_end, encode_start, is_sealed
from ledger.journal.source import read_file_header
from ledger.journal.walk import pieces, walk_stamps

log = logging.getLogger(__name__)

BLOCK_BYTES_MAX = 1 << 20
"""Raw bytes of a block: what one random read has to inflate (about 1 ms), and enough for zstd to find repetition."""

SYNC_BYTES = 4 << 20
"""Synced in portions while writing, so that no flush of a whole file stands in the way of an acknowledgement's sync."""

SEALED_MODE = 0o400
ASIDE = ".aside"
NICENESS = 15
"""Of the sealing thread: whatever else runs, acknowledgements first."""


PAUSE_S = 0.05
"""Until a busy writer is looked at again: a few of its groups."""


class Stopped(Exception):
    """The sealing was told to stop; nothing has changed."""


def seal_file(disk: Disk, directory: Path, number: int, level: int, check: Callable[[], None] = lambda: None) -> None:
    """Replace file `number` by its sealed form. The file after it must exist: its header says where this one ends.

    `check` is called before each block and may raise to stop. Raises Corrupt where a frame or the copy is bad.
    """
    path, aside = file_path(directory, number), file_path(directory, number).with_suffix(f".journal{ASIDE}")
    end = read_file_header(disk, file_path(directory, number + 1)).previous_end
    source = disk.open_read(path)
    try:
        _write_aside(disk, aside, _Plan(source, path, end, level, check))
        _compare(disk, aside, source, end, check)
        disk.chmod(aside, SEALED_MODE)
        disk.rename(aside, path)
        disk.sync_dir(directory)
    except BaseException:
        with suppress(OSError):  # a leftover is removed by the next sealing or start
            disk.unlink(aside)
        raise
    finally:
        source.close()


class _Plan:
    """What is sealed, from where to where, how."""

    def __init__(self, source: Source, path: Path, end: int, level: int, check: Callable[[], None]) -> None:
        self.source, self.path, self.end, self.check = source, path, end, check
        self.head = source.read(0, HEADER_BYTES)
        self.header: FileHeader = decode_file_header(self.head, path)
        self.compress = ZstdCompressor(level=level)

    def spans(self) -> Iterator[tuple[int, int, int, int]]:
        """First event, start, end and number of frames of each block."""
        seq, start, last, frames = self.header.first_event_seq, HEADER_BYTES, HEADER_BYTES, 0
        for found in walk_stamps(self.source, HEADER_BYTES, self.end):
            check_place(found.stamp, self.header, seq + frames, found.offset)
            if frames and found.end - start > BLOCK_BYTES_MAX:
                yield seq, start, last, frames
                seq, start, frames = seq + frames, last, 0
            last, frames = found.end, frames + 1
        if frames:
            yield seq, start, last, frames


def _write_aside(disk: Disk, aside: Path, plan: _Plan) -> None:
    if disk.exists(aside):
        disk.unlink(aside)
    file = disk.open_append(aside)
    try:
        _write_sealed(file, plan)
        file.sync()
    finally:
        file.close()


def _write_sealed(file: File, plan: _Plan) -> None:
    start, digest = encode_start(plan.head), hashlib.sha256(plan.head)
    file.write([start])
    blocks: list[Block] = []
    synced = 0
    for seq, raw_start, raw_end, frames in plan.spans():
        plan.check()
        at, raw_bytes = file.size, raw_end - raw_start
        checksum = _write_block(file, plan, digest, raw_start, raw_bytes)
        blocks.append(Block(seq, raw_start, at, raw_bytes, file.size - at, frames, checksum))
        if file.size - synced > SYNC_BYTES:
            file.sync()
            synced = file.size
    last = blocks[-1].first_event_seq + blocks[-1].frames - 1 if blocks else -1
    index = Index(blocks, plan.end, sum(block.frames for block in blocks), last, digest.digest())
    file.write([encode_end(start, index, file.size)])


def _write_block(file: File, plan: _Plan, digest: "hashlib._Hash", raw_start: int, raw_bytes: int) -> int:
    """Write one block a piece at a time, for a frame may be larger than what this process may take. Returns the CRC-32C
    of what was stored."""
    checksum, compress = 0, plan.compress.compressobj(size=raw_bytes)
    for raw in pieces(plan.source, raw_start, raw_bytes):
        digest.update(raw)
        stored = compress.compress(raw)
        file.write([stored])
        checksum = extend(checksum, stored)
    stored = compress.flush()
    file.write([stored])
    return int(extend(checksum, stored))


def _compare(disk: Disk, aside: Path, source: Source, end: int, check: Callable[[], None]) -> None:
    """Raise Corrupt unless the file aside gives back the bytes of `source`."""
    sealed = SealedFile(disk.open_read(aside), aside)
    try:
        at = HEADER_BYTES
        for n, block in enumerate(sealed.index.blocks):
            check()
            if block.raw_offset != at or not _is_same(sealed.raw_pieces(n), source, at, block.raw_bytes):
                raise Corrupt(f"{aside}: bytes at {at} differ from the file it was made from; {VERIFY}")
            at += block.raw_bytes
        if at != end:
            raise Corrupt(f"{aside}: ends at {at}, the file it was made from at {end}; {VERIFY}")
    finally:
        sealed.close()


def _is_same(copy: Iterator[bytes], source: Source, at: int, length: int) -> bool:
    end = at + length
    for piece in copy:
        if source.read(at, len(piece)) != piece:
            return False
        at += len(piece)
    return at == end


class Sealer:
    """Seals closed files in a thread of the writer's process, one after the other, at low priority.

    It pauses while `busy` says that senders wait, for they share its cores, until `seal_backlog_files_max` files are
    left. A file that cannot be sealed stays as it is, readable; it is tried again at the next rotation or start.
    """

    def __init__(
        self, disk: Disk, directory: Path, options: JournalOptions, busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._disk, self._directory, self._options, self._busy = disk, directory, options, busy
        self._wake = threading.Condition()
        self._before = self._sealed_before = 0  # files are numbered below: told of, and looked at
        self._unsealed: set[int] = set()
        self._stop = False
        self._thread: threading.Thread | None = None
        self.sealed_files = 0
        self.failures = 0

    def wake(self, before: int) -> None:
        """Seal all files numbered below `before`. Returns at once."""
        with self._wake:
            if self._stop or not self._options.seal or before <= self._before:
                return
            self._before = before
            self._wake.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal-sealer", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop, within a block. A file that is half done is begun anew next time."""
        with self._wake:
            self._stop = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        if sys.platform == "linux":  # there a thread has a niceness of its own (setpriority(2))
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while (before := self._next()) is not None:
            with suppress(Stopped):
                self._seal_before(before)

    def _next(self) -> int | None:
        with self._wake:
            while not self._stop and self._before == self._sealed_before:
                self._wake.wait()
            return None if self._stop else self._before

    def _seal_before(self, before: int) -> None:
        self._unsealed.update(range(max(FIRST_FILE_NUMBER, self._sealed_before), before))
        self._sealed_before = before
        for number in sorted(self._unsealed):
            if self._seal_one(number):
                self._unsealed.discard(number)

    def _seal_one(self, number: int) -> bool:
        try:
            if not is_sealed(self._disk.read(file_path(self._directory, number), 0, BLOCKS_AT)):
                seal_file(self._disk, self._directory, number, self._options.seal_level, self._check)
                self.sealed_files += 1
        except (OSError, LedgerError) as error:
            self.failures += 1
            log.error("journal: file %d stays unsealed: %s", number, error)
            return False
        return True

    def _check(self) -> None:
        with self._wake:
            while not self._stop and self._backlog() <= self._options.seal_backlog_files_max and self._busy():
                self._wake.wait(PAUSE_S)
            if self._stop:
                raise Stopped
        self._leave_room()

    def _leave_room(self) -> None:
        """Sealing gives way to appending: it must not be what fills the disk."""
        free, least = self._disk.free_bytes(self._directory), 2 * self._options.free_bytes_min
        if free < least:
            raise OSError(errno.ENOSPC, f"{free} bytes free, sealing leaves {least}")

    def _backlog(self) -> int:
        return len(self._unsealed) + self._before - self._sealed_before

"""The end of the journal: the file being written, where it is synced to, and the next event number.

Single-threaded. State moves forward only after a sync returned, so a failed `write` leaves no trace but bytes behind
the synced end, which the next header or the next recovery cuts off.
"""

import errno
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.journal.disk import Disk, File
from ledger.journal.file import (
    FILE_ID_BYTES,
    FIRST_FILE_NUMBER,
    HEADER_BYTES,
    NO_FILE_ID,
    FileHeader,
    encode_file_header,
    file_path,
)
from ledger.journal.frame import Draft, encode_head
from ledger.journal.options import SHARD_EVENTS_MAX, JournalOptions
from ledger.journal.recover import Recovered
from ledger.seams import Clock, Rng

log = logging.getLogger(__name__)

SALT_BYTES = 32
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""A write that ended so did nothing to the bytes before it: the file stays in use. After another error it does not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A draft as it is written."""

    draft: Draft
    texts: tuple[bytes, ...]
    received_ns: int


class Tail:
    """Where the next group goes."""

    def __init__(
        self, disk: Disk, directory: Path, clock: Clock, rng: Rng, options: JournalOptions, found: Recovered | None
    ) -> None:
        self._disk, self._directory, self._clock, self._rng, self._options = disk, directory, clock, rng, options
        self._file: File | None = found.file if found else None
        self.file_number = found.header.number if found else FIRST_FILE_NUMBER - 1
        self._file_id = found.header.file_id if found else NO_FILE_ID
        self.end = found.end if found else 0
        self.next_event_seq = found.next_event_seq if found else options.shard * SHARD_EVENTS_MAX
        self.received_ns = found.received_ns if found else 0

    @property
    def last_event_seq(self) -> int:
        """-1 where there is no event."""
        return -1 if self.next_event_seq == self._options.shard * SHARD_EVENTS_MAX else self.next_event_seq - 1

    def write(self, entries: Sequence[Entry]) -> int:
        """Write and sync `entries`; return the number of the first. After an OSError none of them is in the journal."""
        total = sum(len(entry.draft.body) + sum(map(len, entry.texts)) for entry in entries)
        self._check_room(total)
        file = self._file_for(total)
        parts = self._encode(entries)
        self._write_parts(file, parts)
        self._sync(file)
        first = self.next_event_seq
        self.end += sum(map(len, parts))
        self.next_event_seq += len(entries)
        self.received_ns = entries[-1].received_ns
        return first

    def close(self) -> None:
        """Let go of the file. What was written is synced already."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):  # everything acknowledged was synced before
                file.close()

    def _check_room(self, total: int) -> None:
        free = self._disk.free_bytes(self._directory)
        if free - total < self._options.free_bytes_min:
            raise OSError(errno.ENOSPC, f"{free} bytes free, {self._options.free_bytes_min} are kept free")

    def _file_for(self, total: int) -> File:
        full = self.end > HEADER_BYTES and self.end + total > self._options.file_bytes_max
        if self._file is None or full:
            self.close()
            self._begin_file()
        assert self._file is not None
        return self._file

    def _begin_file(self) -> None:
        """Begin the next file. Its header and its name are synced before anything is written behind them."""
        header = FileHeader(
            shard=self._options.shard,
            number=self.file_number + 1,
            first_event_seq=self.next_event_seq,
            file_id=self._rng.token_bytes(FILE_ID_BYTES),
            previous_file_id=self._file_id,
            previous_end=self.end,
            received_ns_min=self.received_ns,
            created_ns=self._clock.now_ns(),
        )
        path = file_path(self._directory, header.number)
        if self._disk.exists(path):  # left by an attempt that could not be taken back
            self._disk.unlink(path)
        self._file = self._make_file(path, encode_file_header(header))
        self.file_number, self._file_id, self.end = header.number, header.file_id, HEADER_BYTES

    def _make_file(self, path: Path, header: bytes) -> File:
        file = self._disk.open_append(path)
        try:
            file.write([header])
            file.sync()
            self._disk.sync_dir(self._directory)
        except OSError:
            with suppress(OSError):  # the attempt's own error is the one to tell
                file.close()
                self._disk.unlink(path)
            raise
        return file

    def _encode(self, entries: Sequence[Entry]) -> list[bytes]:
        salts = self._rng.token_bytes(SALT_BYTES * len(entries))
        parts: list[bytes] = []
        for n, entry in enumerate(entries):
            head = encode_head(
                entry.texts,
                entry.draft.body,
                event_seq=self.next_event_seq + n,
                received_ns=entry.received_ns,
                synced_offset=self.end,
                file_id=self._file_id,
                raw_sha256=hashlib.sha256(entry.draft.body).digest(),  # here, off the threads that submit
                salt_secret=salts[n * SALT_BYTES : (n + 1) * SALT_BYTES],
            )
            parts += (head, entry.draft.body)
        return parts

    def _write_parts(self, file: File, parts: Sequence[bytes]) -> None:
        try:
            file.write(parts)
        except OSError as error:
            if error.errno not in NO_ROOM or not self._take_back(file):
                self.close()
            raise

    def _take_back(self, file: File) -> bool:
        """Cut a part of a group off again, so that the next one lies where its header will say."""
        try:
            file.truncate(self.end)
        except OSError as error:
            log.warning("journal: file %d cannot be cut at %d: %s", self.file_number, self.end, error)
            return False
        return True

    def _sync(self, file: File) -> None:
        try:
            file.sync()
        except OSError:
            # The kernel may have dropped the pages and would report success next time (PostgreSQL's fsyncgate):
            # this file gets no second sync. Cutting the group off spares the next start some frames that were
            # never acknowledged; should that fail, the next file's header says that they do not count.
            self._take_back(file)
            self.close()
            raise

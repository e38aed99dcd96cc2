"""The durable mark, DATA/run/durable: how far the journal may be read (docs/format.md, "Durable mark").

The writer publishes it after each sync; readers in other processes look at it as often as they like. It has two
slots written in turn, each with a count and a checksum, so that one of them is whole at any moment, whoever dies.
It is not synced: after a power cut it may be old, which hides what recovery then publishes again, and never names
what was not durable.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google_crc32c import value

from ledger.errors import Incompatible
from ledger.journal.disk import Disk, File

MAGIC = b"SPLMARK\n"
VERSION = 1
SLOT = struct.Struct("<8sHHIQQQq12x")
CHECKSUM = struct.Struct("<I")
SLOT_BYTES = SLOT.size + CHECKSUM.size
SLOTS = 2
CLEAN = 1
READS_MAX = 8
"""Reads until both slots having been torn counts as damage: a read overlaps two publications about never."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything before `offset` in file `file_number` is durable; `event_seq` is the last event there, -1 if none."""

    file_number: int
    offset: int
    event_seq: int
    clean: bool = False  # the writer closed here in order


def encode_slot(mark: Mark, count: int) -> bytes:
    flags = CLEAN if mark.clean else 0
    data = SLOT.pack(MAGIC, VERSION, SLOT_BYTES, flags, count, mark.file_number, mark.offset, mark.event_seq)
    return data + CHECKSUM.pack(value(data))


def decode_slots(data: bytes, path: Path) -> tuple[Mark, int] | None:
    """The newest whole slot and its count; None where there is none."""
    found = list(_slots(data, path))
    return max(found, key=lambda slot: slot[1]) if found else None


def _slots(data: bytes, path: Path) -> Iterator[tuple[Mark, int]]:
    for at in range(0, SLOTS * SLOT_BYTES, SLOT_BYTES):
        slot = data[at : at + SLOT_BYTES]
        if len(slot) < SLOT_BYTES or value(slot[: SLOT.size]) != CHECKSUM.unpack_from(slot, SLOT.size)[0]:
            continue
        magic, version, _, flags, count, number, offset, seq = SLOT.unpack_from(slot)
        if magic != MAGIC:
            continue
        if version > VERSION:
            raise Incompatible(f"{path}: durable mark of format {version}; this program reads {VERSION}")
        yield Mark(number, offset, seq, bool(flags & CLEAN)), count


def read_mark(disk: Disk, path: Path) -> Mark | None:
    """What the writer last published; None where nothing whole is there."""
    for _ in range(READS_MAX):
        if not disk.exists(path):
            return None
        slot = decode_slots(disk.read(path, 0, SLOTS * SLOT_BYTES), path)
        if slot is not None:
            return slot[0]
    return None


class MarkFile:
    """The writer's side. Written in place, never replaced: a reader may keep it open or mapped."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._file: File = disk.open_append(path)
        slot = decode_slots(disk.read(path, 0, SLOTS * SLOT_BYTES), path)
        self._count = slot[1] if slot else 0
        if self._file.size != SLOTS * SLOT_BYTES:
            self._file.truncate(SLOTS * SLOT_BYTES)
            disk.sync_dir(path.parent)  # so that the clean end that `close` syncs has a name

    def publish(self, mark: Mark) -> None:
        count = self._count + 1
        self._file.write_at(count % SLOTS * SLOT_BYTES, encode_slot(mark, count))
        self._count = count

    def close(self, mark: Mark | None) -> None:
        """Publish `mark` as the clean end, durably; None where the end was not clean."""
        try:
            if mark is not None:
                self.publish(Mark(mark.file_number, mark.offset, mark.event_seq, clean=True))
                self._file.sync()
        finally:
            self._file.close()

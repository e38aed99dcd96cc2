"""A journal file: its name, its header, and how the header ties it to the file before it (docs/format.md).

`previous_end` is what makes the chain exact: the file before counts up to there and no further, whatever lies behind
(after a failed sync, frames that nobody was told about).
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from google_crc32c import value

from ledger.errors import Corrupt, Incompatible
from ledger.journal.disk import Disk

MAGIC = b"SPLJRNL\n"
VERSION = 1
HEADER = struct.Struct("<8sHHIQQ16s16sQqq4x")
CHECKSUM = struct.Struct("<I")
HEADER_BYTES = HEADER.size + CHECKSUM.size
FILE_ID_BYTES = 16
SUFFIX = ".journal"
FIRST_FILE_NUMBER = 1
NO_FILE_ID = bytes(FILE_ID_BYTES)
VERIFY = 'keep it, put a good copy of it in its place, and run "spanledger doctor"'
"""The next command, for every message about bytes that are not what was written."""


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The first bytes of a journal file."""

    shard: int
    number: int
    first_event_seq: int
    file_id: bytes
    previous_file_id: bytes
    previous_end: int  # bytes of the previous file that count
    received_ns_min: int  # receipt of the event before the first one here: time goes on from there
    created_ns: int


def file_name(number: int) -> str:
    return f"{number:010d}{SUFFIX}"


def file_path(directory: Path, number: int) -> Path:
    return directory / file_name(number)


def file_numbers(disk: Disk, directory: Path) -> list[int]:
    """Numbers of the journal files in `directory`, ascending."""
    stems = [name[: -len(SUFFIX)] for name in disk.list(directory) if name.endswith(SUFFIX)]
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit())


def encode_file_header(header: FileHeader) -> bytes:
    data = HEADER.pack(
        *(MAGIC, VERSION, HEADER_BYTES, header.shard, header.number, header.first_event_seq),
        *(header.file_id, header.previous_file_id, header.previous_end, header.received_ns_min, header.created_ns),
    )
    return data + CHECKSUM.pack(value(data))


def decode_file_header(data: bytes, path: Path) -> FileHeader:
    """The header at the start of `data`. Raises Incompatible for a newer version, Corrupt for anything else."""
    magic, version = data[:8], int.from_bytes(data[8:10], "little")
    if magic == MAGIC and len(data) >= 10 and version > VERSION:
        raise Incompatible(f"{path}: journal format {version}; this program reads {VERSION}: use a newer one")
    if len(data) < HEADER_BYTES or magic != MAGIC:
        raise Corrupt(f"{path}: no journal header in the first {HEADER_BYTES} bytes; {VERIFY}")
    (expected,) = CHECKSUM.unpack_from(data, HEADER.size)
    found = value(data[: HEADER.size])
    if found != expected:
        raise Corrupt(f"{path}: header checksum is {found:08x}, written was {expected:08x}; {VERIFY}")
    _, _, _, shard, number, *rest = HEADER.unpack_from(data)
    return FileHeader(shard, number, *rest)

"""The sealed form of a journal file: the same frames in independent zstd blocks, plus index and digest.

Its offsets are those of the file it was made from, so an event keeps its place, and any block is read without the
others (docs/format.md, "Sealed file").
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

import zstandard
from google_crc32c import extend, value

from ledger.errors import Corrupt, Incompatible
from ledger.journal.disk import Source
from ledger.journal.file import HEADER_BYTES, VERIFY, FileHeader, decode_file_header
from ledger.journal.walk import PIECE_BYTES

MAGIC = b"SPLSEAL\n"
END_MAGIC = b"SPLSEND\n"
VERSION = 1
START = struct.Struct("<8sHHI")
ENTRY = struct.Struct("<QQQIIII")
FOOTER = struct.Struct("<QQQq32sII")
FOOTER_BYTES = FOOTER.size + len(END_MAGIC)
BLOCKS_AT = START.size + HEADER_BYTES


class Block(NamedTuple):
    """One entry of the index. Offsets and lengths in bytes."""

    first_event_seq: int
    raw_offset: int
    stored_offset: int
    raw_bytes: int
    stored_bytes: int
    frames: int
    stored_crc32c: int


@dataclass(frozen=True, slots=True)
class Index:
    """All that a sealed file says about itself."""

    blocks: Sequence[Block]
    raw_end: int  # length of the file it was made from, up to where it counts
    frames: int
    last_event_seq: int  # -1 where the file holds no event
    raw_sha256: bytes  # of that file's bytes, header included


def encode_start(file_header: bytes) -> bytes:
    return START.pack(MAGIC, VERSION, START.size, 0) + file_header


def encode_end(start: bytes, index: Index, index_offset: int) -> bytes:
    """Index and footer. The checksum in the footer also covers `start`, the file's first bytes."""
    entries = b"".join(ENTRY.pack(*block) for block in index.blocks)
    fields = (index_offset, index.raw_end, index.frames, index.last_event_seq, index.raw_sha256, len(index.blocks))
    checksum = _checksum(start, entries, FOOTER.pack(*fields, 0))
    return entries + FOOTER.pack(*fields, checksum) + END_MAGIC


def _checksum(start: bytes, entries: bytes, footer: bytes) -> int:
    return int(extend(extend(value(start), entries), footer[:-4]))


def is_sealed(first_bytes: bytes) -> bool:
    return first_bytes.startswith(MAGIC)


def header_at(first_bytes: bytes) -> int:
    """Where the journal file's header lies in a file that starts with these bytes."""
    return START.size if is_sealed(first_bytes) else 0


class _Stored:
    """The stored bytes of one block as a stream, and the CRC-32C of what was read of it."""

    def __init__(self, source: Source, block: Block) -> None:
        self._source, self._at, self._end = source, block.stored_offset, block.stored_offset + block.stored_bytes
        self.checksum = 0

    def read(self, size: int) -> bytes:
        data = self._source.read(self._at, min(size, self._end - self._at))
        self._at += len(data)
        self.checksum = extend(self.checksum, data)
        return data


class SealedFile:
    """An open sealed file, read by the offsets of the file it was made from. Raises Corrupt where it is damaged."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source, self._path = source, path
        start = source.read(0, BLOCKS_AT)
        self.header: FileHeader = decode_file_header(start[START.size :], path)
        self.index: Index = self._read_index(start)
        self.end: int = self.index.raw_end
        self._raw_offsets = [block.raw_offset for block in self.index.blocks]
        self._first_seqs = [block.first_event_seq for block in self.index.blocks]
        self._inflate = zstandard.ZstdDecompressor()
        self._last: tuple[int, bytes] = (-1, b"")

    def near(self, event_seq: int) -> tuple[int, int]:
        """The first event of the block that holds `event_seq`, and its offset."""
        n = bisect_right(self._first_seqs, event_seq) - 1
        return (self._first_seqs[n], self._raw_offsets[n]) if n >= 0 else (self.header.first_event_seq, HEADER_BYTES)

    def read(self, offset: int, length: int) -> bytes:  # noqa: ARG002 - a shorter slice would be a copy
        """The rest of the block at `offset`: blocks are cut at frames, so a frame that starts there is whole."""
        n = bisect_right(self._raw_offsets, offset) - 1
        if n < 0:
            raise Corrupt(f"{self._path}: nothing at offset {offset}; {VERIFY}")
        return self._block(n)[offset - self._raw_offsets[n] :]

    def raw_pieces(self, n: int) -> Iterator[bytes]:
        """What block `n` was made from, PIECE_BYTES at a time, and never the whole of a large one."""
        block = self.index.blocks[n]
        stored = _Stored(self._source, block)
        try:
            reader = self._inflate.stream_reader(cast("IO[bytes]", stored))  # which asks for nothing but `read`
            while piece := reader.read(PIECE_BYTES):
                yield piece
        except zstandard.ZstdError as error:
            raise Corrupt(f"{self._path}: block at {block.stored_offset}: {error}; {VERIFY}") from error
        self._check_stored(block, stored.checksum)

    def close(self) -> None:
        self._source.close()

    def _block(self, n: int) -> bytes:
        if self._last[0] != n:
            self._last = (n, self._inflate_block(self.index.blocks[n]))
        return self._last[1]

    def _inflate_block(self, block: Block) -> bytes:
        stored = self._source.read(block.stored_offset, block.stored_bytes)
        self._check_stored(block, value(stored))
        try:
            raw = self._inflate.decompress(stored, max_output_size=block.raw_bytes)
        except zstandard.ZstdError as error:
            raise Corrupt(f"{self._path}: block at {block.stored_offset}: {error}; {VERIFY}") from error
        if len(raw) != block.raw_bytes:
            raise Corrupt(f"{self._path}: block at {block.stored_offset} holds {len(raw)}, not {block.raw_bytes} bytes")
        return raw

    def _check_stored(self, block: Block, found: int) -> None:
        if found != block.stored_crc32c:
            raise Corrupt(
                f"{self._path}: block at {block.stored_offset} has checksum {found:08x}, "
                f"its index says {block.stored_crc32c:08x}; {VERIFY}"
            )

    def _read_index(self, start: bytes) -> Index:
        version = int.from_bytes(start[8:10], "little")
        if version > VERSION:
            raise Incompatible(f"{self._path}: sealed format {version}; this program reads {VERSION}: use a newer one")
        size = self._source.size
        tail = self._source.read(max(0, size - FOOTER_BYTES), FOOTER_BYTES)
        if len(tail) < FOOTER_BYTES or not tail.endswith(END_MAGIC):
            raise Corrupt(f"{self._path}: its footer is missing; {VERIFY}")
        index_offset, raw_end, frames, last_seq, raw_sha256, count, expected = FOOTER.unpack_from(tail)
        if index_offset + count * ENTRY.size + FOOTER_BYTES != size:
            raise Corrupt(f"{self._path}: {size} bytes do not fit an index of {count} at {index_offset}; {VERIFY}")
        entries = self._source.read(index_offset, count * ENTRY.size)
        found = _checksum(start, entries, tail[: FOOTER.size])
        if found != expected:
            raise Corrupt(f"{self._path}: index checksum is {found:08x}, written was {expected:08x}; {VERIFY}")
        blocks = [Block._make(entry) for entry in ENTRY.iter_unpack(entries)]
        return Index(blocks, raw_end, frames, last_seq, raw_sha256)

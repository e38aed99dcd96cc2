"""Walk over the frames of a file, in order, a chunk of bytes at a time."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ledger.journal.frame import PREFIX, BadFrame, Frame, Stamp, frame_bytes, read_frame, read_stamp

CHUNK_BYTES = 4 << 20
"""Read ahead when walking far: large enough that the call costs nothing beside the bytes."""

PIECE_BYTES = 1 << 20
"""Of what need not be held whole, so much is in memory at a time."""

NEAR_BYTES = 128 << 10
"""Read ahead when looking for one event: about the distance between two entries of an index."""


class Bytes(Protocol):
    """Anything to read a journal file's bytes from: the file itself, or its sealed form."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on: up to `length`, and never fewer than the rest of a frame that starts there."""
        ...


class Found(NamedTuple):
    """A checked frame and where it lies in the file."""

    offset: int
    frame: Frame

    @property
    def end(self) -> int:
        return self.offset + self.frame.stamp.frame_bytes


class Place(NamedTuple):
    """Where a checked frame lies in the file, and what it says of itself."""

    offset: int
    stamp: Stamp

    @property
    def end(self) -> int:
        return self.offset + self.stamp.frame_bytes


def walk(source: Bytes, start: int, end: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Found]:
    """The frames from `start` to `end`. Raises BadFrame at the first bad one, which starts where the last one ended."""
    offset, base, chunk = start, start, b""
    while offset < end:
        if not _holds_frame(chunk, offset - base):
            base, chunk = offset, _read_ahead(source, offset, end, chunk_bytes)
        found = Found(offset, read_frame(chunk, offset - base))
        yield found
        offset = found.end
    if offset > end:
        raise BadFrame(f"a frame crosses the end of the journal at {end}")


def walk_stamps(source: Bytes, start: int, end: int) -> Iterator[Place]:
    """The same, of a file as it was written, without the bodies: however large a frame is, a piece of it is held."""
    offset, base, chunk = start, start, b""
    while offset < end:
        if not _holds_frame(chunk, offset - base):
            base, chunk = offset, source.read(offset, min(PIECE_BYTES, end - offset))
        need = frame_bytes(chunk, offset - base)
        if need > end - offset:
            raise BadFrame(f"a frame of {need} bytes has only {end - offset} left")
        if _holds_frame(chunk, offset - base):
            yield Place(offset, read_frame(chunk, offset - base).stamp)
        else:
            yield Place(offset, read_stamp(pieces(source, offset, need)))
        offset += need


def pieces(source: Bytes, offset: int, length: int) -> Iterator[bytes]:
    """`length` bytes from `offset` on, PIECE_BYTES at a time."""
    for at in range(offset, offset + length, PIECE_BYTES):
        yield source.read(at, min(PIECE_BYTES, offset + length - at))


def _holds_frame(chunk: bytes, at: int) -> bool:
    return len(chunk) - at >= PREFIX.size and len(chunk) - at >= frame_bytes(chunk, at)


def _read_ahead(source: Bytes, offset: int, end: int, chunk_bytes: int) -> bytes:
    """Bytes from `offset` on that hold at least one whole frame."""
    chunk = source.read(offset, min(chunk_bytes, end - offset))
    need = frame_bytes(chunk, 0)
    if need > end - offset:
        raise BadFrame(f"a frame of {need} bytes has only {end - offset} left")
    return chunk if len(chunk) >= need else source.read(offset, need)

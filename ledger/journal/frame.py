"""One event as bytes: magic | length | crc32c | header | body (docs/format.md, "Frame").

Encoding never copies the body. Decoding trusts nothing: whatever the bytes, the outcome is a frame whose checksum
holds, `BadFrame`, or `Incompatible`. The file id in each header, random for each file, tells the frames of this file
from stale blocks and from the same bytes inside a body.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from google_crc32c import extend, value

from ledger.errors import Corrupt, Incompatible, Refused

MAGIC = b"SLfr"
VERSION = 1
PREFIX = struct.Struct("<4sII")
FIXED = struct.Struct("<HHIQqQ16s32s32s6H")
FILE_ID_AT = PREFIX.size + struct.calcsize("<HHIQqQ")
"""Where the file id lies within a frame."""

FRAME_BYTES_MIN = PREFIX.size + FIXED.size
FRAME_BYTES_MAX = PREFIX.size + (1 << 16) + (1 << 31)
"""Header length is 16 bits and a body at most 2^31 - 1 bytes: a longer frame is a broken length."""

TEXT_BYTES_MAX = 1024
"""UTF-8 bytes of kind, key, tenant, principal, transport and content type each: names, never content."""


class BadFrame(Corrupt):
    """The bytes at this place are not a whole frame of this file."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller wants appended."""

    kind: str
    body: bytes
    key: str = ""
    tenant: str = "default"
    principal: str = "anonymous"
    transport: str = "control"
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the journal. `file_number` and `offset` name its frame; sealing the file does not change them."""

    kind: str
    body: bytes
    key: str
    tenant: str
    principal: str
    transport: str
    content_type: str
    event_seq: int
    received_ns: int
    raw_sha256: bytes
    salt_secret: bytes
    file_number: int
    offset: int
    frame_bytes: int


class Stamp(NamedTuple):
    """The fixed part of a header, in the order of its bytes."""

    version: int
    header_bytes: int
    body_bytes: int
    event_seq: int
    received_ns: int
    synced_offset: int
    file_id: bytes
    raw_sha256: bytes
    salt_secret: bytes
    kind_bytes: int
    key_bytes: int
    tenant_bytes: int
    principal_bytes: int
    transport_bytes: int
    content_type_bytes: int

    @property
    def frame_bytes(self) -> int:
        return PREFIX.size + self.header_bytes + self.body_bytes


def encode_texts(draft: Draft) -> tuple[bytes, ...]:
    """The texts of the header as UTF-8. Raises Refused for one that is too long or not Unicode."""
    texts = (draft.kind, draft.key, draft.tenant, draft.principal, draft.transport, draft.content_type)
    try:
        encoded = tuple(text.encode() for text in texts)
    except UnicodeEncodeError as error:
        raise Refused(f"event of kind {draft.kind!a}: a text is not Unicode: {error}") from error
    if max(map(len, encoded)) > TEXT_BYTES_MAX:
        raise Refused(
            f"event of kind {draft.kind[:40]!r}: a text of the header has {max(map(len, encoded))} bytes; "
            f"at most {TEXT_BYTES_MAX} are taken"
        )
    return encoded


def encode_head(
    texts: tuple[bytes, ...],
    body: bytes,
    *,
    event_seq: int,
    received_ns: int,
    synced_offset: int,
    file_id: bytes,
    raw_sha256: bytes,
    salt_secret: bytes,
) -> bytes:
    """The frame without its body, which follows as it is."""
    header_bytes = FIXED.size + sum(map(len, texts))
    fixed = FIXED.pack(
        *(VERSION, header_bytes, len(body), event_seq, received_ns, synced_offset),
        *(file_id, raw_sha256, salt_secret),
        *map(len, texts),
    )
    header = b"".join((fixed, *texts))
    return PREFIX.pack(MAGIC, header_bytes + len(body), extend(value(header), body)) + header


def frame_bytes(data: bytes, at: int) -> int:
    """Length of the frame that starts at `data[at]`, by its prefix. Raises BadFrame."""
    if len(data) - at < PREFIX.size:
        raise BadFrame("the file ends within a frame's prefix")
    magic, length, _ = PREFIX.unpack_from(data, at)
    if magic != MAGIC:
        raise BadFrame(f"no frame starts here: {magic.hex()} where {MAGIC.hex()} should be")
    total = PREFIX.size + int(length)
    if not FRAME_BYTES_MIN <= total <= FRAME_BYTES_MAX:
        raise BadFrame(f"a frame of {total} bytes cannot be; {FRAME_BYTES_MIN} to {FRAME_BYTES_MAX} can")
    return total


class Frame(NamedTuple):
    """A frame whose checksum holds. `body` is its own bytes, copied once out of what was read from the disk."""

    stamp: Stamp
    texts: bytes
    body: bytes


def read_frame(data: bytes, at: int) -> Frame:
    """Check the whole frame at `data[at]`.

    Raises BadFrame where it is not whole, Incompatible where its checksum holds but a newer version wrote it.
    """
    total = frame_bytes(data, at)
    if len(data) - at < total:
        raise BadFrame(f"a frame of {total} bytes has only {len(data) - at} left")
    stamp = Stamp._make(FIXED.unpack_from(data, at + PREFIX.size))
    body_at = at + PREFIX.size + min(max(stamp.header_bytes, FIXED.size), total - PREFIX.size)
    header, body = data[at + PREFIX.size : body_at], data[body_at : at + total]
    _check(stamp, total, int.from_bytes(data[at + 8 : at + 12], "little"), extend(value(header), body))
    return Frame(stamp, header[FIXED.size :], body)


def read_stamp(pieces: Iterable[bytes]) -> Stamp:
    """Check a whole frame as `read_frame` does, but without holding it: `pieces` are its bytes in order, the first of
    which holds what every frame begins with."""
    rest = iter(pieces)
    first = next(rest)
    total, seen, found = frame_bytes(first, 0), len(first), value(first[PREFIX.size :])
    for piece in rest:
        seen, found = seen + len(piece), extend(found, piece)
    if seen != total:
        raise BadFrame(f"a frame of {total} bytes has only {seen} left")
    stamp = Stamp._make(FIXED.unpack_from(first, PREFIX.size))
    _check(stamp, total, int.from_bytes(first[8:12], "little"), found)
    return stamp


def _check(stamp: Stamp, total: int, expected: int, found: int) -> None:
    if found != expected:
        raise BadFrame(f"frame checksum is {found:08x}, its bytes were written with {expected:08x}")
    if stamp.version != VERSION:
        raise Incompatible(f"frame version {stamp.version}; this program reads {VERSION}: use a newer one")
    if stamp.frame_bytes != total or stamp.header_bytes != FIXED.size + sum(stamp[9:]):
        raise BadFrame("the lengths within a frame do not add up")


def to_event(frame: Frame, file_number: int, offset: int) -> Event:
    """The event in a frame that lies at `offset` of its file. Raises BadFrame."""
    stamp = frame.stamp
    try:
        texts = list(_texts(frame.texts, stamp[9:]))
    except UnicodeDecodeError as error:
        raise BadFrame(f"a text of the header is not UTF-8: {error}") from error
    kind, key, tenant, principal, transport, content_type = texts
    return Event(
        kind=kind,
        body=frame.body,
        key=key,
        tenant=tenant,
        principal=principal,
        transport=transport,
        content_type=content_type,
        event_seq=stamp.event_seq,
        received_ns=stamp.received_ns,
        raw_sha256=stamp.raw_sha256,
        salt_secret=stamp.salt_secret,
        file_number=file_number,
        offset=offset,
        frame_bytes=stamp.frame_bytes,
    )


def _texts(data: bytes, lengths: Iterable[int]) -> Iterable[str]:
    at = 0
    for length in lengths:
        yield data[at : at + length].decode()
        at += length

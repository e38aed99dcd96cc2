"""Protobuf's wire format, byte by byte, for what a strict parser refused. Slow and forgiving by purpose.

Guarantees: any bytes either give fields or end in `UnreadableError`; memory and time are linear in the input.
Format: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

VARINT, FIXED64, LENGTH, GROUP_START, GROUP_END, FIXED32 = range(6)
VARINT_BYTES_MAX = 10
"""Ten groups of seven bits hold 64; a longer number is not a number."""


class UnreadableError(ValueError):
    """The bytes are not protobuf from some point on."""


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Field number, wire type and value of every field of the message `data`, in order; groups are skipped."""
    at, end = 0, len(data)
    open_groups: list[int] = []
    while at < end:
        tag, at = varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, at = varint(data, at)
            if not open_groups:
                yield number, wire_type, value
        elif wire_type in (LENGTH, FIXED64, FIXED32):
            size, at = varint(data, at) if wire_type == LENGTH else ((8, at) if wire_type == FIXED64 else (4, at))
            if size > end - at:
                raise UnreadableError(f"byte {at}: field {number} says {size} bytes, {end - at} are left")
            if not open_groups:
                yield number, wire_type, data[at : at + size]
            at += size
        elif wire_type == GROUP_START:
            open_groups.append(number)
        elif wire_type == GROUP_END and open_groups and open_groups[-1] == number:
            open_groups.pop()
        else:
            raise UnreadableError(f"byte {at}: field {number} has wire type {wire_type}")
    if open_groups:
        raise UnreadableError(f"group {open_groups[-1]} never ends")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that starts at `at`, and where it ends."""
    value = 0
    for position in range(at, min(at + VARINT_BYTES_MAX, len(data))):
        byte = data[position]
        value |= (byte & 0x7F) << (7 * (position - at))
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + 1
    raise UnreadableError(f"byte {at}: a number that does not end")


def messages(data: bytes, number: int) -> Iterator[bytes]:
    """The messages (or strings) in field `number`, in order. A field of that number and another type is skipped."""
    for found, wire_type, value in fields(data):
        if found == number and wire_type == LENGTH:
            assert not isinstance(value, int)
            yield value


def joined(data: bytes, number: int) -> bytes:
    """Field `number` as one message, readable or not: protobuf merges repeats, and concatenating their bytes is how."""
    return b"".join(messages(data, number))


def merged(data: bytes, number: int) -> bytes:
    """Field `number` as one message. Raises UnreadableError where one of its parts does not read by itself: pieces
    that only together make sense are broken to protobuf, and what they would say together nobody sent."""
    return together(*messages(data, number))


def together(*parts: bytes) -> bytes:
    """`parts` of one message, each of which reads, as one."""
    if len(parts) > 1:
        for part in parts:
            for _ in fields(part):
                pass
    return b"".join(parts)


def signed(value: int, bits: int) -> int:
    """The two's complement number in the low `bits` of a varint."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value

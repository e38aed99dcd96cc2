"""How much a protobuf request would unfold to, found without unfolding it.

Four MiB of empty spans become 350 MiB of objects, so a limit on bytes alone bounds no memory. Counting is done on the
wire and stops at the limit. Small bodies are not counted at all: a message takes two bytes or more.
"""

from collections.abc import Mapping
from typing import Any

from ledger.errors import TooLarge

PARSE_FREELY_BYTES = 2 << 20
"""Bodies up to this size may be parsed for ids before anything is counted: at worst 60 MiB for 30 ms."""

STEPS_PER_ELEMENT = 2
"""Fields read for each element allowed: a request made of scalar fields only may not keep the counter busy."""

Shape = Mapping[int, Any]
"""Field number -> the shape of the message in it. Fields that hold no message are left out."""

LEN_TAGS = bytes(b for b in range(256) if b & 7 == 2)

_ANY: dict[int, Any] = {}
_KEY_VALUE: Shape = {2: _ANY}
_ANY.update({5: {1: _ANY}, 6: {1: _KEY_VALUE}})
_RESOURCE: Shape = {1: _KEY_VALUE, 3: {}}
_SCOPE: Shape = {3: _KEY_VALUE}
_EXEMPLAR: Shape = {7: _KEY_VALUE}
_POINTS: Shape = {1: {1: _KEY_VALUE, 5: _EXEMPLAR, 7: _KEY_VALUE, 8: _EXEMPLAR, 9: _KEY_VALUE, 11: _EXEMPLAR}}
_SPAN: Shape = {9: _KEY_VALUE, 11: {3: _KEY_VALUE}, 13: {4: _KEY_VALUE}}
_LOG: Shape = {5: _ANY, 6: _KEY_VALUE}
_METRIC: Shape = {5: _POINTS, 7: _POINTS, 9: _POINTS, 10: _POINTS, 11: _POINTS, 12: _KEY_VALUE}


def _request(record: Shape) -> Shape:
    return {1: {1: _RESOURCE, 2: {1: _SCOPE, 2: record}}}


ENVELOPE: Shape = {1: {2: {2: {}}}}
DATA_POINTS: Shape = {1: {2: {2: {kind: {1: {}} for kind in (5, 7, 9, 10, 11)}}}}
"""The same down to the data points of metrics."""
ELEMENTS: Mapping[str, Shape] = {"traces": _request(_SPAN), "logs": _request(_LOG), "metrics": _request(_METRIC)}


def check_amplification(signal: str, wire: bytes, *, records_max: int, elements_max: int) -> None:
    """Raise TooLarge if `wire` holds more records or elements than allowed. Broken wire form passes here."""
    # The two tags of the envelope, counted wherever they stand, can only be too many; then count exactly.
    if len(wire) > PARSE_FREELY_BYTES and wire.count(b"\x0a") + wire.count(b"\x12") > records_max:
        _check(wire, ENVELOPE, records_max, "records (records_max)")
    if len(wire) > 2 * elements_max and len(wire) - len(wire.translate(None, LEN_TAGS)) > elements_max:
        _check(wire, ELEMENTS[signal], elements_max, "attributes, events, links and values (elements_max)")


def _check(wire: bytes, shape: Shape, count_max: int, what: str) -> None:
    if count(wire, shape, count_max) > count_max:
        raise TooLarge(f"the request holds more than {count_max} {what}; send fewer in a request")


def count(wire: bytes, shape: Shape, count_max: int) -> int:
    """Messages of `shape` in `wire`, the nested ones too; stops as soon as there are more than `count_max`."""
    found, steps_left = 0, STEPS_PER_ELEMENT * count_max
    todo: list[tuple[int, int, Shape]] = [(0, len(wire), shape)]
    while todo:
        position, end, shape = todo.pop()
        while position < end:
            tag = wire[position]
            position += 1
            if tag & 0x80:  # tags and lengths of one byte, which is most, are read here: a call would double the time
                tag, position = _varint(wire, position - 1)
            kind = tag & 7
            if kind == LEN:
                length = wire[position] if position < end else 0x80
                position += 1
                if length & 0x80:
                    length, position = _varint(wire, position - 1)
                inner = shape.get(tag >> 3)
                if inner is not None:
                    found += 1
                    if inner and length:
                        todo.append((position, min(position + length, end), inner))
                position += length
            elif kind == VARINT:
                _, position = _varint(wire, position)
            elif kind in FIXED:
                position += FIXED[kind]
            else:
                break
            steps_left -= 1
            if found > count_max or steps_left < 0:
                return count_max + 1
    return found


VARINT, LEN = 0, 2
FIXED = {1: 8, 5: 4}
"""Wire types of fixed length, in bytes. Groups (3, 4) do not occur in OTLP."""

VARINT_BYTES_MAX = 10


def _varint(wire: bytes, position: int) -> tuple[int, int]:
    """The varint at `position` and where it ends; past the end it reads as the end."""
    value = shift = 0
    for byte in wire[position : position + VARINT_BYTES_MAX]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    return 0, len(wire)

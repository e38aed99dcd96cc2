"""Attribute values that hold values: their wire bytes to JSON text, whichever decoder found them.

The reduced schema (request_schema.py) leaves arrays and maps as bytes. One function turns them into text for every
decoder, so that all agree. Doubles that JSON cannot hold become text, bytes become base64, and what is nested deeper
than `NESTED_DEPTH_MAX` is left out, saying so (its wire bytes would differ by who encoded them anew).
"""

import base64
import json
import math
import struct
from collections.abc import Callable
from typing import Any

from ingest.decode.wire_format import FIXED64, LENGTH, VARINT, fields, merged, messages, signed, together

NESTED_DEPTH_MAX = 32
"""Levels of arrays and maps. Deeper is no telemetry but an attack on whoever recurses: upb refuses 48."""

NESTED_CUT = "nested too deeply, in the journal only"

STRING, BOOL, INT, DOUBLE, ARRAY, KVLIST, BYTES = range(1, 8)
"""Field numbers of AnyValue's members."""

WIRE_TYPES = {STRING: LENGTH, BOOL: VARINT, INT: VARINT, DOUBLE: FIXED64, ARRAY: LENGTH, KVLIST: LENGTH, BYTES: LENGTH}

Text = Callable[[bytes], str]
"""How bytes become text: strictly, or repaired and noted."""


def strict(data: bytes) -> str:
    return data.decode()


def nested_text(member: int, data: bytes, text: Text = strict) -> str:
    """The array or map whose wire bytes are `data`, as JSON text.

    Raises UnreadableError, or UnicodeDecodeError from a strict `text`.
    """
    return json.dumps(_nested(member, data, text, 1), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def any_value(data: bytes) -> tuple[int, int | bytes]:
    """Which member of the AnyValue `data` counts, and its raw value; (0, 0) if none is set."""
    member, parts = 0, list[int | bytes]()
    for number, wire_type, found in fields(data):
        if WIRE_TYPES.get(number) != wire_type:
            continue
        if number != member or number not in (ARRAY, KVLIST):
            parts.clear()  # protobuf merges messages; of anything else the last one counts
        member = number
        parts.append(found)
    if len(parts) > 1:
        parts = [together(*(part for part in parts if isinstance(part, bytes)))]
    return member, parts[0] if parts else 0


def double_of(value: int | bytes) -> float:
    assert isinstance(value, bytes)
    number: float = struct.unpack("<d", value)[0]
    return number


def _nested(member: int, data: bytes, text: Text, depth: int) -> Any:
    if depth > NESTED_DEPTH_MAX:
        return NESTED_CUT
    if member == ARRAY:
        return [_value(item, text, depth) for item in messages(data, 1)]
    return {_key(item, text): _value(merged(item, 2), text, depth) for item in messages(data, 1)}


def _key(item: bytes, text: Text) -> str:
    keys = list(messages(item, 1))
    return text(keys[-1]) if keys else ""


def _value(data: bytes, text: Text, depth: int) -> Any:
    member, value = any_value(data)
    if isinstance(value, int):
        return bool(value) if member == BOOL else signed(value, 64) if member == INT else None
    if member == STRING:
        return text(value)
    if member == DOUBLE:
        number = double_of(value)
        return number if math.isfinite(number) else "NaN" if math.isnan(number) else f"{'-' * (number < 0)}Infinity"
    return base64.b64encode(value).decode() if member == BYTES else _nested(member, value, text, depth + 1)

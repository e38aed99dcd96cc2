"""JSON objects into protobuf messages: the one place that knows how OTLP/JSON differs from protobuf's own JSON.

`google.protobuf.json_format` is wrong for OTLP: it reads hex ids as base64 and takes enum names and snake_case keys.
Rules: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from ingest.json_text import DIGITS_MAX, Unfit

MESSAGE_DEPTH_MAX = 90
"""Messages within messages. Protobuf parsers stop at 100 by default; ten are left for whoever wraps the request."""

HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
UNREADABLE_ID = b"\0"
"""What stands for an id that is not hex: no valid id has this length, so one record is rejected, not the request."""

INT_RANGES: Mapping[int, tuple[int, int]] = {
    # FieldDescriptor.TYPE_* -> least and greatest value; 14 is an enum, open in proto3, so any int32.
    3: (-(2**63), 2**63 - 1),
    4: (0, 2**64 - 1),
    5: (-(2**31), 2**31 - 1),
    6: (0, 2**64 - 1),
    7: (0, 2**32 - 1),
    13: (0, 2**32 - 1),
    14: (-(2**31), 2**31 - 1),
    15: (-(2**31), 2**31 - 1),
    16: (-(2**63), 2**63 - 1),
    17: (-(2**31), 2**31 - 1),
    18: (-(2**63), 2**63 - 1),
}
TYPE_DOUBLE, TYPE_FLOAT, TYPE_BOOL, TYPE_STRING, TYPE_MESSAGE, TYPE_BYTES, TYPE_ENUM = 1, 2, 8, 9, 11, 12, 14

SPECIAL_DOUBLES = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
INTEGER = re.compile(r"-?[0-9]+")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")

Scalar = Callable[[object], Any]
Fields = Mapping[str, tuple[str, bool, Scalar | None]]


class MisfitError(Exception):
    """A value that does not fit its field; the path to it is collected on the way out."""

    def __init__(self, problem: str, *path: str) -> None:
        super().__init__(problem)
        self.path = list(path)

    @property
    def place(self) -> str:
        return self.within("")

    def within(self, place: str) -> str:
        """Where the value stands, in what stands at `place`."""
        return (place + "".join(reversed(self.path))).lstrip(".") or "the top level"


def objected(value: object, place: str = "") -> Mapping[str, Any]:
    """`value`, which must be an object."""
    if not isinstance(value, dict):
        raise MisfitError(f"expected an object, got {_shown(value)}", *filter(None, [place]))
    return value


def listed(value: object, place: str = "") -> Sequence[Any]:
    """`value`, which must be an array; null is an empty one."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MisfitError(f"expected an array, got {_shown(value)}", *filter(None, [place]))
    return value


def fill(message: Any, value: object, depth: int) -> None:
    """Fill `message`, the `depth`-th within messages, from `value`. Raises MisfitError; `message` is then half full."""
    items = objected(value).items()
    if depth > MESSAGE_DEPTH_MAX:
        raise MisfitError(f"nested deeper than {MESSAGE_DEPTH_MAX} messages; send nested values as text")
    fields = _fields(message.DESCRIPTOR)
    for key, item in items:
        if item is None or key not in fields:
            continue
        try:
            _fill_field(message, fields[key], item, depth)
        except MisfitError as misfit:
            misfit.path.append(f".{key}")
            raise


def _fill_field(message: Any, field: tuple[str, bool, Scalar | None], item: object, depth: int) -> None:
    name, repeated, scalar = field
    if repeated:
        _fill_repeated(getattr(message, name), scalar, item, depth)
    elif scalar is not None:
        setattr(message, name, scalar(item))
    else:
        inner = getattr(message, name)
        inner.SetInParent()
        fill(inner, item, depth + 1)


def _fill_repeated(target: Any, scalar: Scalar | None, items: object, depth: int) -> None:
    for position, item in enumerate(listed(items)):
        try:
            if scalar is not None:
                target.append(scalar(item))
            else:
                fill(target.add(), {} if item is None else item, depth + 1)
        except MisfitError as misfit:
            misfit.path.append(f"[{position}]")
            raise


@cache
def _fields(descriptor: Any) -> Fields:
    """JSON key -> (field name, repeated, reader of a scalar; None for a message)."""
    return {field.json_name: (field.name, _is_repeated(field), _scalar(field)) for field in descriptor.fields}


def _is_repeated(field: Any) -> bool:
    # `is_repeated` came with protobuf 6, which also deprecates `label`.
    return bool(field.is_repeated) if hasattr(field, "is_repeated") else field.label == 3


def _scalar(field: Any) -> Scalar | None:
    if field.type in INT_RANGES:
        least, greatest = INT_RANGES[field.type]
        return lambda value: _integer(value, least, greatest, texts=field.type != TYPE_ENUM)
    if field.name in HEX_FIELDS:
        return _hex
    readers: dict[int, Scalar] = {
        TYPE_DOUBLE: _double,
        TYPE_FLOAT: _double,
        TYPE_BOOL: _bool,
        TYPE_STRING: _string,
        TYPE_BYTES: _base64,
    }
    return readers.get(field.type)


def _integer(value: object, least: int, greatest: int, *, texts: bool) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value) if abs(value) < 2.0**64 else Unfit(value)
    elif texts and isinstance(value, str) and len(value) <= DIGITS_MAX and INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MisfitError(f"expected an integer{' or its digits as text' if texts else ''}, got {_shown(value)}")
    if not least <= value <= greatest:
        raise MisfitError(f"{value} is outside {least} to {greatest}")
    return value


def _double(value: object) -> float:
    if isinstance(value, str):
        if value in SPECIAL_DOUBLES:  # bare NaN too: Python's json module writes it
            return SPECIAL_DOUBLES[value]
        if NUMBER.fullmatch(value):
            return float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise MisfitError(f"expected a number, got {_shown(value)}")


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise MisfitError(f"expected true or false, got {_shown(value)}")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Unfit):
        raise MisfitError(f"expected text, got {_shown(value)}")
    if value.isascii():
        return value
    # A lone surrogate ("\ud800") is legal JSON but no Unicode text, and protobuf refuses it.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _hex(value: object) -> bytes:
    text = _string(value)
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return UNREADABLE_ID


def _base64(value: object) -> bytes:
    text = _string(value).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise MisfitError(f"expected base64, got {_shown(value)}") from None


def _shown(value: object) -> str:
    """A value short enough for a message."""
    text = str.__repr__(value) if isinstance(value, str) else type(value).__name__
    return text if len(text) <= 40 else f"{text[:40]}... ({len(text)} characters)"

"""OTLP/JSON to OTLP protobuf: the one place that knows how the JSON encoding differs from protobuf's own.

Guarantees: what it returns is a wire message that every protobuf parser takes; what it cannot read is `Refused`, naming
the place (`resourceSpans[0].scopeSpans[0].spans[2].kind`); any bytes at all end in one of the two.
`google.protobuf.json_format` is wrong for OTLP: it reads hex ids as base64 and takes enum names and snake_case keys.
Rules: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Of two equal keys the last one counts.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger.errors import Refused

Signal = Literal["traces", "logs", "metrics"]

REQUESTS: Mapping[str, Callable[[], Any]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}

MESSAGE_DEPTH_MAX = 90
"""Messages within messages. Protobuf parsers stop at 100 by default; ten are left for whoever wraps the request."""

DIGITS_MAX = 20
"""No integer of OTLP has more (2**64 - 1). Longer ones are never converted: Python needs quadratic time for them."""

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


class _MisfitError(Exception):
    """A value that does not fit its field; the path to it is collected on the way out."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.path: list[str] = []


class _Unfit(str):
    """A bare number that is no JSON (NaN) or longer than any field holds: refused where it is used, not where it is
    parsed, so that the place can be named and unknown fields stay ignored."""

    __slots__ = ()


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The OTLP/JSON request `body` as wire protobuf. Raises Refused, naming the place, if it is no such request."""
    request = REQUESTS[signal]()
    try:
        _fill(request, _parse(signal, body), 1)
    except _MisfitError as misfit:
        place = "".join(reversed(misfit.path)).lstrip(".") or "the top level"
        raise Refused(f"OTLP/JSON {signal} request: {place}: {misfit}") from None
    wire: bytes = request.SerializeToString()
    return wire


def _parse(signal: Signal, body: bytes) -> object:
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_int=_parse_int, parse_constant=_Unfit)
    except UnicodeDecodeError as error:
        problem = f"byte {error.start}: not UTF-8"
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno} column {error.colno}: {error.msg}"
    except RecursionError:
        problem = f"byte {_deepest(text)}: nested too deeply to be a request"
    raise Refused(f"OTLP/JSON {signal} request is not JSON: {problem}; send valid JSON or protobuf")


def _parse_int(digits: str) -> int | _Unfit:
    return int(digits) if len(digits) <= DIGITS_MAX else _Unfit(digits)


def _deepest(text: str) -> int:
    """Where brackets first nest deeper than any request can."""
    depth = 0
    for bracket in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{}\]]', text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if depth > 4 * MESSAGE_DEPTH_MAX:
            return bracket.start()
    return len(text)


def _fill(message: Any, value: object, depth: int) -> None:
    if not isinstance(value, dict):
        raise _MisfitError(f"expected an object, got {_shown(value)}")
    if depth > MESSAGE_DEPTH_MAX:
        raise _MisfitError(f"nested deeper than {MESSAGE_DEPTH_MAX} messages; send nested values as text")
    fields = _fields(message.DESCRIPTOR)
    for key, item in value.items():
        if item is None or key not in fields:
            continue
        try:
            _fill_field(message, fields[key], item, depth)
        except _MisfitError as misfit:
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
        _fill(inner, item, depth + 1)


def _fill_repeated(target: Any, scalar: Scalar | None, items: object, depth: int) -> None:
    if not isinstance(items, list):
        raise _MisfitError(f"expected an array, got {_shown(items)}")
    for position, item in enumerate(items):
        try:
            if scalar is not None:
                target.append(scalar(item))
            else:
                _fill(target.add(), {} if item is None else item, depth + 1)
        except _MisfitError as misfit:
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
        value = int(value) if abs(value) < 2.0**64 else _Unfit(value)
    elif texts and isinstance(value, str) and len(value) <= DIGITS_MAX and INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _MisfitError(f"expected an integer{' or its digits as text' if texts else ''}, got {_shown(value)}")
    if not least <= value <= greatest:
        raise _MisfitError(f"{value} is outside {least} to {greatest}")
    return value


def _double(value: object) -> float:
    if isinstance(value, str):
        if value in SPECIAL_DOUBLES:  # bare NaN too: Python's json module writes it
            return SPECIAL_DOUBLES[value]
        if NUMBER.fullmatch(value):
            return float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _MisfitError(f"expected a number, got {_shown(value)}")


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise _MisfitError(f"expected true or false, got {_shown(value)}")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, _Unfit):
        raise _MisfitError(f"expected text, got {_shown(value)}")
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
        raise _MisfitError(f"expected base64, got {_shown(value)}") from None


def _shown(value: object) -> str:
    """A value short enough for a message."""
    text = str.__repr__(value) if isinstance(value, str) else type(value).__name__
    return text if len(text) <= 40 else f"{text[:40]}... ({len(text)} characters)"

"""Whether two spans with the same ids say the same, however each was encoded: a duplicate, or a conflict?

Compared is everything the sender said of the span: the span whole (events and links too), its resource's attributes
and its scope. Attributes compare as sets, numbers by value, absent fields as their defaults.
"""

from functools import lru_cache
from typing import Any, cast

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ingest.decode.lenient import Slice, span_slices
from ingest.decode.table import Source
from ingest.json_otlp import to_protobuf

EVENTS_KEPT = 2
"""A request sent twice is compared span by span with its first copy: both stay cut up in between."""

UNORDERED = frozenset({"attributes"})
"""Fields whose order says nothing. Values within an array, and events, are in an order that counts."""


NUMBERS, NUMBER = frozenset({"int_value", "double_value"}), 0
"""Members of AnyValue that are compared by value: 1 and 1.0 are the same."""


def same_span(a: tuple[Source, int], b: tuple[Source, int]) -> bool:
    """Whether span `index` of one event equals span `index` of another (each an event and a span_index)."""
    one, other = _slice(*a), _slice(*b)
    if one == other:
        return True
    try:
        return _canonical_slice(one) == _canonical_slice(other)
    except DecodeError:
        return False  # unreadable in part and not the same bytes: nothing shows that they are the same


def _slice(event: Source, index: int) -> Slice:
    return _slices(event.body, "json" in event.content_type)[index]


@lru_cache(maxsize=EVENTS_KEPT)
def _slices(body: bytes, is_json: bool) -> list[Slice]:
    wire = to_protobuf("traces", body).wire if is_json else body
    # A view, so that the slices of a large request are places in it and no second copy.
    return [found for found in span_slices(cast(bytes, memoryview(wire))) if isinstance(found, Slice)]


def _canonical_slice(found: Slice) -> tuple[object, ...]:
    kinds = ((Resource, found.resource), (InstrumentationScope, found.scope), (Span, found.span))
    return tuple(_canonical(kind.FromString(bytes(data))) for kind, data in kinds)


def _canonical(message: Any) -> tuple[object, ...]:
    """The fields that are set, by number; equal exactly if the messages mean the same."""
    return tuple(
        (NUMBER if field.name in NUMBERS else field.number, _canonical_field(field.name, value))
        for field, value in message.ListFields()  # in the order of numbers, defaults left out
    )


def _canonical_field(name: str, value: Any) -> object:
    if hasattr(value, "ListFields"):
        return _canonical(value)
    if isinstance(value, bool):
        return ("bool", value)  # in Python True == 1
    if isinstance(value, int | str | bytes):
        return value
    if isinstance(value, float):
        return value if value == value else "NaN"
    items = [_canonical_field("", item) for item in value]
    return tuple(sorted(items, key=repr)) if name in UNORDERED else tuple(items)

"""Requests that no strict parser takes, span by span: one bad span never costs its neighbours.

Text that is not UTF-8 is repaired with U+FFFD and the span says so in the attribute `spanledger.utf8_repaired`; a span
whose bytes do not read is quarantined with them; what does not read of its resource or scope is missing, and the span
says so in `spanledger.unreadable`. Reads only what request_schema.py reads, so that a fault elsewhere (an event, a
link) changes nothing.
"""

import base64
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from ingest.decode import nested
from ingest.decode.rows import Nested, Pairs, SpanRow, Value
from ingest.decode.wire_format import FIXED64, LENGTH, VARINT, UnreadableError, fields, joined, merged, messages, signed
from ingest.notes import REPAIRED, UNREADABLE
from ingest.skeleton import SKELETONS, has_wire_form

WHOLE_EVENT = -1
_NO_PAIRS: Pairs = []


@dataclass(frozen=True)
class Unread:
    """Bytes that could not be read: of span `index`, or of the rest of the event (-1)."""

    event: int
    index: int
    reason: str
    data: bytes


@dataclass(frozen=True)
class Slice:
    """Where a span stands: its bytes, and those of its resource and scope."""

    resource: bytes
    scope: bytes
    span: bytes


class Repair:
    """Bytes to text, remembering what was not UTF-8."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def at(self, place: str) -> nested.Text:
        """A reader of text that notes `place` when it repairs."""

        def text(data: bytes) -> str:
            try:
                return data.decode()
            except UnicodeDecodeError:
                self.places.append(place)
                return data.decode(errors="replace")

        return text

    def noted(self, pairs: Pairs) -> Pairs:
        """`pairs`, and what was repaired."""
        return [*pairs, (REPAIRED, ", ".join(dict.fromkeys(self.places)))] if self.places else pairs


Row = TypeVar("Row")
Read = Callable[[int, int, "Slice", Pairs, str], Row]
"""Reads one record from: event, index, its bytes, its resource, and what of that does not read."""


def read_lenient(event: int, body: bytes) -> tuple[list[SpanRow], list[Unread]]:
    """What can be read of the request `body`, and what cannot."""
    return read_each(event, body, "span", _row)


def read_each(event: int, body: bytes, word: str, read: Read[Row]) -> tuple[list[Row], list[Unread]]:
    """The same for records of any signal: their requests are alike but for the record. `word`: what it is called."""
    rows, unread = list[Row](), list[Unread]()
    index = 0
    group, resource, fault = b"", _NO_PAIRS, ""  # a resource is read once, however many spans it has
    for found in span_slices(body):
        if isinstance(found, UnreadableError):
            unread.append(Unread(event, WHOLE_EVENT, f"the request does not read further: {found}", body))
            continue
        try:
            if found.resource is not group:
                group, (resource, fault) = found.resource, resource_of(found.resource)
            rows.append(read(event, index, found, resource, fault))
        except UnreadableError as error:
            unread.append(Unread(event, index, f"the {word} does not read: {error}", found.span))
        index += 1
    return rows, unread


def row_at(body: bytes, index: int) -> SpanRow | None:
    """The span `index` of the request `body`; None where there is none, or it does not read."""
    slices = (item for item in span_slices(body) if isinstance(item, Slice))
    found = next(islice(slices, index, None), None)
    if found is None:
        return None
    try:
        return _row(0, index, found, *resource_of(found.resource))
    except UnreadableError:
        return None


def span_slices(body: bytes) -> Iterator[Slice | UnreadableError]:
    """Every span of the request in document order; an error where the groups around the spans do not read."""
    try:
        for resource_spans in messages(body, 1):
            yield from _resource_slices(resource_spans)
    except UnreadableError as error:
        yield error


def spans_bytes(body: bytes, indexes: Collection[int]) -> dict[int, bytes]:
    """The bytes of the spans of the request that have these indexes, by index."""
    wanted = set(indexes)
    found = (item for item in span_slices(body) if isinstance(item, Slice))
    return {position: item.span for position, item in enumerate(found) if position in wanted}


def _resource_slices(resource_spans: bytes) -> Iterator[Slice | UnreadableError]:
    try:
        resource = joined(resource_spans, 1)
        for scope_spans in messages(resource_spans, 2):
            yield from _scope_slices(resource, scope_spans)
    except UnreadableError as error:
        yield error


def _scope_slices(resource: bytes, scope_spans: bytes) -> Iterator[Slice | UnreadableError]:
    try:
        scope = joined(scope_spans, 1)
    except UnreadableError:
        scope = b""  # the spans before the fault are still to be had
    try:
        for span in messages(scope_spans, 2):
            yield Slice(resource, scope, span)
    except UnreadableError as error:
        yield error


def resource_of(data: bytes) -> tuple[Pairs, str]:
    """What reads of a resource, and why there is no more of it."""
    repair, pairs, fault = Repair(), list[tuple[str, Value | Nested]](), ""
    try:
        for item in messages(data, 1):
            pairs.append(pair(item, repair))
    except UnreadableError as error:
        fault = f"resource: {error}"
    return repair.noted(pairs), fault


def scope_name_of(data: bytes, repair: Repair) -> tuple[str, str]:
    try:
        return repair.at("scope.name")(_last(data, 1)), ""
    except UnreadableError as error:
        return "", f"scope: {error}"


def _row(event: int, index: int, found: Slice, resource: Pairs, fault: str) -> SpanRow:
    if not has_wire_form(SKELETONS["Ids"].record, found.span):
        raise UnreadableError("its protobuf wire form is broken")
    repair = Repair()
    scope_name, scope_fault = scope_name_of(found.scope, repair)
    faults = "; ".join(filter(None, (fault, scope_fault)))
    values = {number: value for number, wire_type, value in fields(found.span) if SPAN_WIRE.get(number) == wire_type}
    status = {n: v for n, w, v in fields(merged(found.span, 15)) if (n, w) in ((2, LENGTH), (3, VARINT))}
    pairs = [pair(item, repair) for item in messages(found.span, 9)]
    return SpanRow(
        event=event,
        index=index,
        resource=resource,
        scope_name=scope_name,
        trace_id=bytes_of(values.get(1)),
        span_id=bytes_of(values.get(2)),
        parent_span_id=bytes_of(values.get(4)),
        name=repair.at("name")(bytes_of(values.get(5))),
        kind=int32_of(values.get(6)),
        start_ns=int.from_bytes(bytes_of(values.get(7)), "little"),
        end_ns=int.from_bytes(bytes_of(values.get(8)), "little"),
        status_message=repair.at("status.message")(bytes_of(status.get(2))),
        status_code=int32_of(status.get(3)),
        attributes=repair.noted([*pairs, (UNREADABLE, faults)] if faults else pairs),
    )


SPAN_WIRE = {1: LENGTH, 2: LENGTH, 4: LENGTH, 5: LENGTH, 6: VARINT, 7: FIXED64, 8: FIXED64}


def pair(item: bytes, repair: Repair) -> tuple[str, Value | Nested]:
    key = repair.at("attributes")(_last(item, 1))
    return key, value_of(merged(item, 2), repair.at(f"attributes.{key}"))


def value_of(data: bytes, text: nested.Text) -> Value | Nested:
    member, value = nested.any_value(data)
    if isinstance(value, int):
        return bool(value) if member == nested.BOOL else signed(value, 64) if member == nested.INT else None
    if member == nested.STRING:
        return text(value)
    if member == nested.DOUBLE:
        return nested.double_of(value)
    if member == nested.BYTES:
        return Nested(base64.b64encode(value).decode())
    return Nested(nested.nested_text(member, value, text))


def _last(data: bytes, number: int) -> bytes:
    last = b""
    for last in messages(data, number):  # noqa: B007 - the last one counts
        pass
    return last


def bytes_of(value: int | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else b""


def int32_of(value: int | bytes | None) -> int:
    return signed(value, 32) if isinstance(value, int) else 0

"""Wire requests of logs to a LogSheet: the oracle, by opentelemetry-proto's objects, and the repair shop, record by
record, for what no strict parser takes."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from ingest.decode.lenient import (
    Repair,
    Slice,
    Unread,
    bytes_of,
    int32_of,
    pair,
    read_each,
    resource_of,
    scope_name_of,
    span_slices,
)  # fmt: skip
from ingest.decode.lenient import value_of as lenient_value
from ingest.decode.log_rows import LogRow, LogSheet, log_sheet
from ingest.decode.rows import Pairs
from ingest.decode.walk import pairs_of, value_of
from ingest.decode.wire_format import FIXED64, LENGTH, VARINT, UnreadableError, fields, merged, messages
from ingest.notes import UNREADABLE
from ingest.skeleton import SKELETONS, has_wire_form

WIRE = {1: FIXED64, 2: VARINT, 3: LENGTH, 9: LENGTH, 10: LENGTH, 11: FIXED64, 12: LENGTH}
"""Fields of LogRecord that are read by themselves, with their wire types."""


def walked_logs(bodies: Sequence[bytes]) -> tuple[LogSheet | None, list[int]]:
    """A LogSheet of the requests that read, by opentelemetry-proto's own objects, and the positions of the others."""
    rows, refused = list[LogRow](), list[int]()
    for event, body in enumerate(bodies):
        try:
            rows += _rows(event, ExportLogsServiceRequest.FromString(body))
        except DecodeError:
            refused.append(event)
    return (log_sheet(rows) if rows else None), refused


def lenient_logs(bodies: Sequence[bytes], refused: Sequence[int]) -> tuple[LogSheet | None, list[Unread]]:
    """What reads of the requests at `refused`, and what does not."""
    rows, unread = list[LogRow](), list[Unread]()
    for event in refused:
        found, rest = read_each(event, bodies[event], "log record", _lenient_row)
        rows += found
        unread += rest
    return (log_sheet(rows) if rows else None), unread


def log_at(body: bytes, index: int) -> LogRow | None:
    """The log record `index` of the request `body`; None where there is none, or it does not read."""
    slices = (item for item in span_slices(body) if isinstance(item, Slice))
    found = next(islice(slices, index, None), None)
    if found is None:
        return None
    try:
        return _lenient_row(0, index, found, *resource_of(found.resource))
    except UnreadableError:
        return None


def _rows(event: int, request: Any) -> Iterator[LogRow]:
    index = 0
    for resource_logs in request.resource_logs:
        resource = pairs_of(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                yield _row(event, index, resource, scope_logs.scope.name, record)
                index += 1


def _row(event: int, index: int, resource: Pairs, scope_name: str, record: Any) -> LogRow:
    return LogRow(
        event=event,
        index=index,
        resource=resource,
        scope_name=scope_name,
        trace_id=record.trace_id,
        span_id=record.span_id,
        time_ns=record.time_unix_nano,
        observed_ns=record.observed_time_unix_nano,
        severity=record.severity_text,
        severity_number=record.severity_number,
        event_name=record.event_name,
        body=value_of(record.body),
        attributes=pairs_of(record.attributes),
    )


def _lenient_row(event: int, index: int, found: Slice, resource: Pairs, fault: str) -> LogRow:
    if not has_wire_form(SKELETONS["Opaque"].record, found.span):
        raise UnreadableError("its protobuf wire form is broken")
    repair = Repair()
    scope_name, scope_fault = scope_name_of(found.scope, repair)
    faults = "; ".join(filter(None, (fault, scope_fault)))
    values = {number: value for number, wire_type, value in fields(found.span) if WIRE.get(number) == wire_type}
    pairs = [pair(item, repair) for item in messages(found.span, 6)]
    return LogRow(
        event=event,
        index=index,
        resource=resource,
        scope_name=scope_name,
        trace_id=bytes_of(values.get(9)),
        span_id=bytes_of(values.get(10)),
        time_ns=int.from_bytes(bytes_of(values.get(1)), "little"),
        observed_ns=int.from_bytes(bytes_of(values.get(11)), "little"),
        severity=repair.at("severity_text")(bytes_of(values.get(3))),
        severity_number=int32_of(values.get(2)),
        event_name=repair.at("event_name")(bytes_of(values.get(12))),
        body=lenient_value(merged(found.span, 5), repair.at("body")),
        attributes=repair.noted([*pairs, (UNREADABLE, faults)] if faults else pairs),
    )

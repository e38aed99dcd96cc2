"""The oracle: wire requests to a Sheet by opentelemetry-proto's own objects, in the plainest way.

Chosen by SPANLEDGER_DECODER=walk; about ten times slower than fast.py, which must give the same.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.decode.nested import ARRAY, KVLIST, nested_text
from ingest.decode.rows import Nested, Pairs, SpanRow, Value, sheet_of
from ingest.sheet import Sheet


def read_walk(bodies: Sequence[bytes]) -> tuple[Sheet | None, list[int]]:
    """A Sheet of the requests that read, and the positions of those that did not."""
    rows, refused = list[SpanRow](), list[int]()
    for event, body in enumerate(bodies):
        try:
            rows += _rows(event, ExportTraceServiceRequest.FromString(body))
        except DecodeError:
            refused.append(event)
    return (sheet_of(rows) if rows else None), refused


def _rows(event: int, request: Any) -> Iterator[SpanRow]:
    index = 0
    for resource_spans in request.resource_spans:
        resource = pairs_of(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _row(event, index, resource, scope_spans.scope.name, span)
                index += 1


def _row(event: int, index: int, resource: Pairs, scope_name: str, span: Any) -> SpanRow:
    return SpanRow(
        event=event,
        index=index,
        resource=resource,
        scope_name=scope_name,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status_message=span.status.message,
        status_code=span.status.code,
        attributes=pairs_of(span.attributes),
    )


def pairs_of(attributes: Any) -> Pairs:
    """Of repeated KeyValue."""
    return [(attribute.key, value_of(attribute.value)) for attribute in attributes]


def value_of(value: Any) -> Value | Nested:
    """Of an AnyValue."""
    member = value.WhichOneof("value")
    if member == "array_value":
        return Nested(nested_text(ARRAY, value.array_value.SerializeToString()))
    if member == "kvlist_value":
        return Nested(nested_text(KVLIST, value.kvlist_value.SerializeToString()))
    if member == "bytes_value":
        return Nested(base64.b64encode(value.bytes_value).decode())
    scalar: Value = (
        getattr(value, member) if member in ("string_value", "bool_value", "int_value", "double_value") else None
    )
    return scalar

"""OTLP requests made by hand, and the wire forms that no SDK would send."""

import os
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SIGNALS = ("traces", "logs", "metrics")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, body: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def envelope(*records: bytes) -> bytes:
    """One resource, one scope, these records as wire bytes."""
    return field(1, field(2, b"".join(field(2, record) for record in records)))


def ids(trace_id: bytes | None = None, span_id: bytes | None = None) -> bytes:
    """The wire bytes of a span that has nothing but ids."""
    return field(1, os.urandom(16) if trace_id is None else trace_id) + field(
        2, os.urandom(8) if span_id is None else span_id
    )


def string_attribute(key: bytes, value: bytes) -> bytes:
    return field(9, field(1, key) + field(2, field(1, value)))


def as_log_attribute(added: bytes) -> bytes:
    """Fields of a span of which the first, if it is an attribute, becomes one of a log record."""
    of_span, of_log = field(9, b"")[:1], field(6, b"")[:1]
    return of_log + added[1:] if added.startswith(of_span) else added


def nested_attribute(depth: int) -> bytes:
    """An attribute whose value is an array in an array in an array."""
    value = b""
    for _ in range(depth):
        value = field(5, field(1, value))
    return field(9, field(1, b"deep") + field(2, value))


def traces(spans: int = 3, text: str = "hello") -> Any:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    for n in range(spans):
        span = scope.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name=f"chat {n}")
        span.start_time_unix_nano, span.end_time_unix_nano = 10**18, 10**18 + 10**9
        span.attributes.add(key="gen_ai.prompt").value.string_value = text
    return request


def logs() -> Any:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "hello"
    return request


def metrics() -> Any:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="gen_ai.client.token.usage")
    metric.sum.data_points.add(as_int=7)
    return request


def request(signal: str) -> bytes:
    """A small valid request of `signal`, protobuf."""
    body: bytes = {"traces": traces, "logs": logs, "metrics": metrics}[signal]().SerializeToString()
    return body


JSON_REQUESTS = {
    "traces": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",'
    b'"spanId":"eee19b7ec3c1b174","name":"chat"}]}]}]}',
    "logs": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}',
    "metrics": b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m",'
    b'"sum":{"dataPoints":[{"asInt":"7"}]}}]}]}]}',
}

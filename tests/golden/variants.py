"""One request in other clothes: the same records cut, shuffled, or written as OTLP/JSON."""

import base64
import json
import random
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS, OTLP_TRACES

IDS = ("traceId", "spanId", "parentSpanId")
REQUESTS: dict[str, tuple[type[Message], tuple[str, str, str]]] = {
    OTLP_TRACES: (ExportTraceServiceRequest, ("resource_spans", "scope_spans", "spans")),
    OTLP_LOGS: (ExportLogsServiceRequest, ("resource_logs", "scope_logs", "log_records")),
    OTLP_METRICS: (ExportMetricsServiceRequest, ("resource_metrics", "scope_metrics", "metrics")),
}
"""Kind of event -> its message, and the fields from there to the records."""


def one_span_a_request(body: bytes) -> list[bytes]:
    return one_record_a_request(OTLP_TRACES, body)


def one_record_a_request(kind: str, body: bytes) -> list[bytes]:
    """A request for each record (span, log record, metric), with its own resource and scope."""
    message, (resources, scopes, records) = REQUESTS[kind]
    parts = []
    for resource in getattr(message.FromString(body), resources):
        for scope in getattr(resource, scopes):
            for record in getattr(scope, records):
                part = message()
                outer = getattr(part, resources).add(resource=resource.resource, schema_url=resource.schema_url)
                getattr(outer, scopes).add(scope=scope.scope, schema_url=scope.schema_url, **{records: [record]})
                parts.append(part.SerializeToString())
    return parts


def shuffled(bodies: list[bytes], seed: int) -> list[bytes]:
    order = list(bodies)
    random.Random(seed).shuffle(order)
    return order


def otlp_json(body: bytes, kind: str = OTLP_TRACES) -> bytes:
    """As OTLP/JSON asks: hex ids, enums as numbers, 64-bit integers as strings."""
    message = REQUESTS[kind][0].FromString(body)
    return json.dumps(hex_ids(MessageToDict(message, use_integers_for_enums=True))).encode()


def hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [hex_ids(item) for item in value]
    if isinstance(value, dict):
        return {k: base64.b64decode(v).hex() if k in IDS else hex_ids(v) for k, v in value.items()}
    return value

"""One request in other clothes: the same spans cut, shuffled, or written as OTLP/JSON."""

import base64
import json
import random
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = ("traceId", "spanId", "parentSpanId")


def one_span_a_request(body: bytes) -> list[bytes]:
    return [request.SerializeToString() for request in split(body)]


def split(body: bytes) -> list[ExportTraceServiceRequest]:
    """A request for each span, with its own resource and scope."""
    parts = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                part = ExportTraceServiceRequest()
                outer = part.resource_spans.add(resource=resource.resource, schema_url=resource.schema_url)
                outer.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=[span])
                parts.append(part)
    return parts


def shuffled(bodies: list[bytes], seed: int) -> list[bytes]:
    order = list(bodies)
    random.Random(seed).shuffle(order)
    return order


def otlp_json(body: bytes) -> bytes:
    """As OTLP/JSON asks: hex ids, enums as numbers, 64-bit integers as strings."""
    message = ExportTraceServiceRequest.FromString(body)
    return json.dumps(hex_ids(MessageToDict(message, use_integers_for_enums=True))).encode()


def hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [hex_ids(item) for item in value]
    if isinstance(value, dict):
        return {k: base64.b64decode(v).hex() if k in IDS else hex_ids(v) for k, v in value.items()}
    return value

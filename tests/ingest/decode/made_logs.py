"""Requests of logs and metrics for the decoder's tests: by hand, by hypothesis, and from the samples."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from ingest.decode import decode
from ingest.dialects.dialect import Inside
from ingest.dialects.logs import LOG_DIALECTS
from ledger.journal.frame import Event
from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS
from tests.ingest.decode import made
from tests.ingest.decode.made import PROTOBUF, SAMPLES, SPAN, TRACE, attributes, ids, put, set_value, values

CAPTURES = {path.name.split(".")[0]: path for path in sorted(SAMPLES.glob("*/*.logs.binpb"))}
METRIC_CAPTURES = {path.name.split(".")[0]: path for path in sorted(SAMPLES.glob("*/*.metrics.binpb"))}


def logs_event(body: bytes, seq: int = 2, content_type: str = PROTOBUF, tenant: str = "default") -> Event:
    return replace(made.event(body, seq, content_type, tenant), kind=OTLP_LOGS)


def metrics_event(body: bytes, seq: int = 2, content_type: str = PROTOBUF) -> Event:
    return replace(made.event(body, seq, content_type), kind=OTLP_METRICS)


def request(
    *records: Mapping[str, object], scope: str = "app", resource: Mapping[str, object] | None = None
) -> ExportLogsServiceRequest:
    """A request of one scope; a record is its fields, `attributes` a mapping, `body` any value."""
    asked = ExportLogsServiceRequest()
    group = asked.resource_logs.add()
    put(group.resource.attributes, resource or {"service.name": "shop"})
    scope_logs = group.scope_logs.add()
    scope_logs.scope.name = scope
    for fields in records:
        record = scope_logs.log_records.add()
        put(record.attributes, fields.get("attributes", {}))
        for name, value in fields.items():
            if name == "body":
                set_value(record.body, value)
            elif name != "attributes":
                setattr(record, name, value)
    return asked


def metrics(
    scope: str = "app", resource: Mapping[str, object] | None = None
) -> tuple[ExportMetricsServiceRequest, object]:
    """A request of one scope, and its list of metrics."""
    asked = ExportMetricsServiceRequest()
    group = asked.resource_metrics.add()
    put(group.resource.attributes, resource or {"service.name": "shop"})
    scope_metrics = group.scope_metrics.add()
    scope_metrics.scope.name = scope
    return asked, scope_metrics.metrics


def rows(*records: Mapping[str, object], **more: object) -> list[dict[str, object]]:
    return decode([logs_event(request(*records, **more).SerializeToString())]).logs.to_pylist()


def only(record: Mapping[str, object], **more: object) -> dict[str, object]:
    (row,) = rows(record, **more)
    return row


def known_keys():
    for one in LOG_DIALECTS:
        yield from (*one.marks, *one.durations, *one.operation_marks)
        for sources in one.fields.values():
            yield from (source.key if isinstance(source, Inside) else source for source in sources)


KEYS = sorted({*known_keys(), "event.name"})
EVENTS = [
    "",
    "x",
    "api_request",
    "tool_result",
    *sorted({name for one in LOG_DIALECTS for name in one.operation_names}),
]
EVENTS += [*(name for one in LOG_DIALECTS for name in one.bodies), "gen_ai.client.inference.operation.details"]
SCOPES = ["app", "", *(scope for one in LOG_DIALECTS for scope in one.scopes)]
own = st.lists(st.tuples(st.sampled_from(KEYS), values), max_size=12) | attributes


@st.composite
def requests(draw) -> bytes:
    """Any request that an encoder could make, good ids and bad, known attributes and unknown, some twice."""
    asked = ExportLogsServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        group = asked.resource_logs.add()
        for key, value in draw(attributes):
            set_value(group.resource.attributes.add(key=key).value, value)
        for _ in range(draw(st.integers(0, 2))):
            scope_logs = group.scope_logs.add()
            scope_logs.scope.name = draw(st.sampled_from(SCOPES))
            for _ in range(draw(st.integers(0, 3))):
                _draw_record(draw, scope_logs.log_records.add())
    return asked.SerializeToString()


def _draw_record(draw, record) -> None:
    record.trace_id = draw(st.just(TRACE) | ids)
    record.span_id = draw(st.just(SPAN) | ids)
    record.event_name = draw(st.sampled_from(EVENTS))
    record.severity_number = draw(st.integers(0, 24) | st.sampled_from([99, -1]))
    record.severity_text = draw(st.text(max_size=4))
    record.time_unix_nano = draw(st.sampled_from([0, 2**64 - 1]) | st.integers(0, 2**64 - 1))
    record.observed_time_unix_nano = draw(st.integers(0, 2**64 - 1))
    if draw(st.booleans()):
        set_value(record.body, draw(values))
    for key, value in draw(own):
        set_value(record.attributes.add(key=key).value, value)

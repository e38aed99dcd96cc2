"""The exporters of the OpenTelemetry Python SDK against this server, as they are configured by default."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ledger.errors import Overloaded
from tests.ingest.doors import Door, MemoryJournal, open_door


def one_span() -> tuple[ReadableSpan, ...]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("test").start_as_current_span("chat", attributes={"gen_ai.request.model": "gpt-5"}):
        pass
    return memory.get_finished_spans()


def grpc_spans(door: Door, **options: Any) -> SpanExporter:
    return GrpcSpans(endpoint=f"http://{door.addresses.otlp_grpc}", insecure=True, **options)


def http_spans(door: Door, **options: Any) -> SpanExporter:
    return HttpSpans(endpoint=f"http://{door.addresses.otlp_http}/v1/traces", **options)


EXPORTERS = {"grpc": grpc_spans, "http": http_spans}


@pytest.fixture(params=EXPORTERS)
def exporter(request: pytest.FixtureRequest) -> Callable[..., SpanExporter]:
    return EXPORTERS[request.param]


def test_spans_are_acked(door: Door, exporter: Callable[..., SpanExporter]) -> None:
    sender = exporter(door)
    assert sender.export(one_span()) is SpanExportResult.SUCCESS
    sender.shutdown()
    request = ExportTraceServiceRequest.FromString(door.journal.drafts[-1].body)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "chat"


def test_gzip_is_what_exporters_send(door: Door) -> None:
    sender = http_spans(door, compression=Compression.Gzip)
    assert sender.export(one_span()) is SpanExportResult.SUCCESS
    sender.shutdown()
    assert ExportTraceServiceRequest.FromString(door.journal.drafts[-1].body).resource_spans


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_logs_and_metrics_are_acked(tmp_path: Path, transport: str) -> None:
    with open_door(tmp_path) as door:
        at = f"http://{door.addresses.otlp_grpc}" if transport == "grpc" else f"http://{door.addresses.otlp_http}"
        if transport == "grpc":
            log_sender, metric_sender = GrpcLogs(endpoint=at, insecure=True), GrpcMetrics(endpoint=at, insecure=True)
        else:
            log_sender, metric_sender = HttpLogs(endpoint=f"{at}/v1/logs"), HttpMetrics(endpoint=f"{at}/v1/metrics")
        logs = LoggerProvider(shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(log_sender))
        logs.get_logger("test").emit(body="hello", event_name="gen_ai.user.message")
        logs.shutdown()
        reader = PeriodicExportingMetricReader(metric_sender, export_interval_millis=3_600_000)
        metrics = MeterProvider([reader], shutdown_on_exit=False)
        metrics.get_meter("test").create_counter("gen_ai.client.token.usage").add(7)
        metrics.shutdown()
        assert len(door.journal.bodies("otlp.logs")) == 1
        assert len(door.journal.bodies("otlp.metrics")) == 1


def test_a_short_pressure_is_never_seen_by_the_sender(tmp_path: Path, exporter: Callable[..., SpanExporter]) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.fail = Overloaded("disk full")
        relief = threading.Timer(1.0, setattr, (journal, "fail", None))
        relief.start()
        sender = exporter(door)
        started = time.monotonic()
        assert sender.export(one_span()) is SpanExportResult.SUCCESS
        assert time.monotonic() - started < 3.0
        sender.shutdown()
        relief.join()
        assert not [name for name in door.collector.stats() if name.startswith("requests_refused")]


@pytest.mark.slow
def test_a_refused_batch_comes_again_and_arrives(tmp_path: Path, exporter: Callable[..., SpanExporter]) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, hold_s=0.0) as door:
        journal.fail = Overloaded("disk full")
        relief = threading.Timer(5.0, setattr, (journal, "fail", None))
        relief.start()
        sender = exporter(door)
        assert sender.export(one_span()) is SpanExportResult.SUCCESS
        sender.shutdown()
        relief.join()
        assert len(journal.bodies("otlp.traces")) == 1

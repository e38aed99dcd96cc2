"""Clients that never rest and remember what was acked: a bare gRPC loop, and the Python SDK's own exporter."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BATCH_SPANS = 10
CALL_TIMEOUT_S = 5.0
CALL_USD = Decimal("0.1")
"""Of each span: gpt-4o, 36,000 tokens in and 1,000 out, $2.50 and $10 a million."""
CALL: dict[str, str | int] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 36_000,
    "gen_ai.usage.output_tokens": 1_000,
}
CALLS: tuple[tuple[str, dict[str, str | int]], ...] = (
    ("chat gpt-4o", CALL),
    ("chat gpt-4.1", CALL | {"gen_ai.request.model": "gpt-4.1", "gen_ai.usage.input_tokens": 40_000}
     | {"gen_ai.usage.output_tokens": 2_500}),
    ("execute_tool search", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
     | {"gen_ai.usage.cost": "0.1"}),
)  # fmt: skip
"""Calls of two models and of a tool, $0.10 each: gpt-4.1 is $2 and $8 a million, the tool states what it took."""
AGENTS = ("planner", "writer", "critic")
START_NS = 1_795_000_000 * 10**9
HOUR_NS = 3600 * 10**9
HOURS = 4

SMALL_FILES = {
    "journal.file_bytes_max": 150_000,
    "journal.free_bytes_min": 1 << 20,
    "store.flush_rows": 300,
    "store.flush_age_s": 0.5,
    "store.replaced_keep_s": 60,  # longer than a check of all that was sent takes on a busy machine
    "store.merge_free_bytes_min": 1 << 20,
}
"""Settings by which files are sealed, flushed, merged and removed several times a second under this load."""

Ids = tuple[str, ...]


@dataclass
class Export:
    """One call of a client: which spans, when it began and ended, and what became of it. Times: `time.monotonic`."""

    ids: Ids
    began_s: float
    ended_s: float | None = None
    error: str = ""


@dataclass
class Record:
    """The history of one client, by span id. Appended to by one thread each."""

    sent: list[Ids] = field(default_factory=list)
    acked: list[Ids] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)

    def begin(self, ids: Ids) -> Export:
        self.exports.append(Export(ids, time.monotonic()))
        return self.exports[-1]

    def acknowledged(self, export: Export) -> None:
        export.ended_s = time.monotonic()
        self.acked.append(export.ids)

    def failed(self, export: Export, error: str) -> None:
        export.ended_s, export.error = time.monotonic(), error

    def errors(self) -> set[str]:
        """Why exports failed."""
        return {export.error for export in self.exports} - {""}

    def sent_ids(self) -> set[str]:
        return {one for ids in self.sent for one in ids}

    def acked_ids(self) -> set[str]:
        return {one for ids in self.acked for one in ids}


class Client(threading.Thread):
    """Calls `send_one` until it is told to stop; an error in it ends the test, not silently the thread."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.record = Record()
        self.failures = 0
        self.error: BaseException | None = None
        self.ending = threading.Event()

    def run(self) -> None:
        try:
            self.send_until(self.ending.is_set)
        except BaseException as error:  # noqa: BLE001 - kept for `finish`, which raises it in the test's thread
            self.error = error

    def send_until(self, ending: Callable[[], bool]) -> None:
        raise AssertionError("a client says how it sends")

    def finish(self) -> Record:
        self.ending.set()
        self.join(timeout=30)
        if self.error is not None:
            raise self.error
        assert not self.is_alive()
        return self.record


class BareClient(Client):
    """Raw bytes over gRPC. Of what was not acked it sends every second batch again, as a careful exporter would."""

    def send_until(self, ending: Callable[[], bool]) -> None:
        owed: list[tuple[Ids, bytes]] = []
        with grpc.insecure_channel(self.address, options=RECONNECT) as channel:
            export = channel.unary_unary(EXPORT)
            while not ending():
                ids, body = owed.pop() if owed else self.batch()
                call = self.record.begin(ids)
                try:
                    export(body, timeout=CALL_TIMEOUT_S, wait_for_ready=True)
                    self.record.acknowledged(call)
                except grpc.RpcError as error:
                    self.record.failed(call, error.code().name)
                    self.failures += 1
                    if self.failures % 2:
                        owed.append((ids, body))

    def batch(self) -> tuple[Ids, bytes]:
        request, trace_id = ExportTraceServiceRequest(), os.urandom(16)
        spans = [span(trace_id, os.urandom(8)) for _ in range(BATCH_SPANS)]
        request.resource_spans.add().scope_spans.add().spans.extend(spans)
        ids = tuple(one.span_id.hex() for one in spans)
        self.record.sent.append(ids)
        return ids, request.SerializeToString()


RECONNECT = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200))
"""The service is away for a second or two: look for it often."""


def span(trace_id: bytes, span_id: bytes) -> Span:
    """One of the calls, of one of the agents, in one of the hours: which, its random id says."""
    name, call = CALLS[span_id[0] % len(CALLS)]
    start_ns = START_NS + span_id[1] % HOURS * HOUR_NS
    own = call | {"gen_ai.agent.name": AGENTS[span_id[2] % len(AGENTS)]}
    if call is not CALLS[-1][1]:
        own |= {"gen_ai.response.id": f"chatcmpl-{span_id.hex()}"}
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + 10**9,
        attributes=[attribute(key, value) for key, value in own.items()],
    )


def attribute(key: str, value: str | int) -> KeyValue:
    any_value = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
    return KeyValue(key=key, value=any_value)


class SdkClient(Client):
    """The exporter that most Python agents use, with its own retries; SUCCESS is the ack."""

    def send_until(self, ending: Callable[[], bool]) -> None:
        exporter = OTLPSpanExporter(endpoint=f"http://{self.address}", insecure=True)
        try:
            while not ending():
                spans = self.batch()
                ids = tuple(f"{one.get_span_context().span_id:016x}" for one in spans)
                self.record.sent.append(ids)
                call = self.record.begin(ids)
                if exporter.export(spans) is SpanExportResult.SUCCESS:
                    self.record.acknowledged(call)
                else:
                    self.record.failed(call, "given up")
                    self.failures += 1
        finally:
            exporter.shutdown()

    def batch(self) -> tuple[ReadableSpan, ...]:
        ended = InMemorySpanExporter()
        provider = TracerProvider(resource=Resource({"service.name": "sdk"}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(ended))
        tracer = provider.get_tracer("spanledger.durability")
        for _ in range(BATCH_SPANS):
            one = tracer.start_span("chat gpt-4o", attributes=CALL)
            one.set_attribute("gen_ai.response.id", f"chatcmpl-{one.get_span_context().span_id:016x}")
            one.end()
        return ended.get_finished_spans()

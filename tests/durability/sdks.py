"""Real SDKs with the settings they come with, each told nothing but the endpoint: one batch, or batches until told."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import ClassVar

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tests.durability.load import Client, SdkClient
from tests.e2e.javascript import FOLDER


@dataclass(frozen=True)
class Batch:
    """Span ids, when they were handed to the exporter (seconds since 1970), and whether it told of success."""

    ids: tuple[str, ...]
    sent_at_s: float
    acked: bool


PYTHON = {"Python gRPC": GrpcExporter, "Python HTTP": HttpExporter}
JAVASCRIPT = {"JS HTTP protobuf": "http/protobuf", "JS HTTP JSON": "http/json", "JS gRPC": "grpc"}


def endpoint(client: str, grpc_address: str, http_address: str) -> str:
    return f"http://{grpc_address if 'gRPC' in client else http_address}"


def one_batch(client: str, address: str) -> Batch:
    """Hand one batch to a fresh exporter of that SDK and wait until it has delivered it or given up."""
    if client in PYTHON:
        return _python_batch(exporter(client, address), SdkClient(address))
    command = ["node", "stream.mjs", JAVASCRIPT[client], "1"]
    done = subprocess.run(command, cwd=FOLDER, env=told(address), capture_output=True, text=True, timeout=60)
    return batch_of(done.stdout)


def exporter(client: str, address: str) -> SpanExporter:
    """The endpoint is what OTEL_EXPORTER_OTLP_ENDPOINT would make of it; a variable would be all clients' at once."""
    if client == "Python gRPC":
        return GrpcExporter(endpoint=address)
    return HttpExporter(endpoint=f"{address}/v1/traces")


def told(address: str) -> dict[str, str]:
    return {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": address}


def batch_of(line: str) -> Batch:
    said = json.loads(line)
    return Batch(tuple(said["ids"]), said["sent_ms"] / 1000, said["code"] == 0)


def _python_batch(one: SpanExporter, maker: SdkClient) -> Batch:
    try:
        spans, at_s = maker.batch(), time.time()
        acked = one.export(spans) is SpanExportResult.SUCCESS
    finally:
        one.shutdown()
    return Batch(tuple(f"{span.get_span_context().span_id:016x}" for span in spans), at_s, acked)


class Stream(Client):
    """Batches of one SDK until told to stop. `batches` in the order in which they were answered."""

    KINDS: ClassVar = (*PYTHON, *JAVASCRIPT)

    def __init__(self, kind: str, address: str) -> None:
        super().__init__(address)
        self.kind = kind
        self.batches: list[Batch] = []

    def note(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.record.sent.append(batch.ids)
        if batch.acked:
            self.record.acked.append(batch.ids)

    def run(self) -> None:
        try:
            if self.kind in PYTHON:
                self._python()
            else:
                self._javascript()
        except BaseException as error:  # noqa: BLE001 - kept for `finish`, which raises it in the test's thread
            self.error = error

    def _python(self) -> None:
        one, maker = exporter(self.kind, self.address), SdkClient(self.address)
        try:
            while not self.ending.is_set():
                spans, at_s = maker.batch(), time.time()
                acked = one.export(spans) is SpanExportResult.SUCCESS
                self.note(Batch(tuple(f"{span.get_span_context().span_id:016x}" for span in spans), at_s, acked))
        finally:
            one.shutdown()

    def _javascript(self) -> None:
        command = ["node", "stream.mjs", JAVASCRIPT[self.kind]]
        with subprocess.Popen(
            command, cwd=FOLDER, env=told(self.address), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as node:
            assert node.stdin is not None
            assert node.stdout is not None
            for line in node.stdout:
                self.note(batch_of(line))
                if self.ending.is_set() and not node.stdin.closed:
                    node.stdin.close()
        assert node.returncode == 0

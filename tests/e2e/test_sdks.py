"""Real SDKs, told nothing but the endpoint, against the running program: each span is in SQL a second after its ack."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_span_in_context

from ledger.paths import DataDir
from ledger.store.snapshot import Snapshot
from queries.connect import connect, show, shown
from tests.e2e.javascript import javascript_sdk
from tests.service import PROGRAM, Service, service

pytestmark = [pytest.mark.slow, pytest.mark.alone]

FRESH_S = 1.0
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 36_000,
    "gen_ai.usage.output_tokens": 1_000,
}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk"}
RUN_USD = Decimal("0.3")
"""3 calls of gpt-4o: 36,000 x $2.50 / 1M + 1,000 x $10 / 1M = $0.10 each."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("e2e")) as one:
        one.start()
        yield one


def one_run() -> tuple[str, list[ReadableSpan]]:
    """A run of 4 spans from the SDK: its trace id and the ended spans."""
    ended = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "python-agent"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ended))
    tracer = provider.get_tracer("spanledger.e2e")
    agent = tracer.start_span("invoke_agent clerk", attributes=AGENT)
    for turn in range(3):
        own = {"gen_ai.response.id": f"chatcmpl-{agent.get_span_context().span_id:x}-{turn}"}
        tracer.start_span("chat gpt-4o", set_span_in_context(agent), attributes={**CALL, **own}).end()
    agent.end()
    return f"{agent.get_span_context().trace_id:032x}", list(ended.get_finished_spans())


def seconds_until_in_sql(data: Path, trace_id: str, spans: int) -> float:
    """Seconds from now, the moment of the ack, until SQL has the spans. On one connection: making one takes long."""
    acked, place = time.monotonic(), DataDir(data)
    with closing(connect(place)) as connection:
        while spans_in_sql(connection, trace_id) < spans:
            assert time.monotonic() - acked < 30, f"{trace_id}: not in SQL after 30 s"
            time.sleep(0.01)
            show(connection, Snapshot.take(place), shown(connection))
    return time.monotonic() - acked


def spans_in_sql(connection: duckdb.DuckDBPyConnection, trace_id: str) -> int:
    found = connection.execute("SELECT count(*) FROM spans WHERE trace_id = ?", [trace_id]).fetchone()
    return int(found[0]) if found else 0


def cost_by_command(one: Service, trace_id: str) -> Decimal:
    """What the command line answers, as a user asks it."""
    sql = f"SELECT sum(cost_usd) AS cost_usd FROM calls WHERE trace_id = '{trace_id}'"
    command = [PROGRAM, "sql", "--data", str(one.data), "--format", "json", sql]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return Decimal(json.loads(answer.stdout)[0]["cost_usd"])


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_python_sdk_spans_are_in_sql_within_a_second_of_the_ack(
    running: Service, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = running.grpc if protocol == "grpc" else running.http
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{address}")
    exporter: SpanExporter = GrpcExporter() if protocol == "grpc" else HttpExporter()
    trace_id, spans = one_run()
    try:
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        seconds = seconds_until_in_sql(running.data, trace_id, len(spans))
    finally:
        exporter.shutdown()
    assert seconds <= FRESH_S
    assert cost_by_command(running, trace_id) == RUN_USD


@pytest.fixture(scope="module")
def js_sdk() -> Path:
    return javascript_sdk()


@pytest.mark.parametrize("protocol", ["grpc", "http/json", "http/protobuf"])
def test_javascript_sdk_spans_are_in_sql_within_a_second_of_the_ack(
    running: Service, js_sdk: Path, protocol: str
) -> None:
    address = running.grpc if protocol == "grpc" else running.http
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}"}
    with subprocess.Popen(
        ["node", "send.mjs", protocol], cwd=js_sdk, env=env, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdout is not None
        ack = json.loads(node.stdout.readline())
        assert ack["code"] == 0, ack["error"]
        seconds = seconds_until_in_sql(running.data, ack["trace_id"], ack["spans"])
    assert node.returncode == 0
    assert ack["spans"] == 4
    assert seconds <= FRESH_S
    assert cost_by_command(running, ack["trace_id"]) == RUN_USD

"""Counted once, through the real service: what came three times in pieces by two transports, and what came late."""

import http.client
import subprocess
from collections.abc import Callable
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger.paths import DataDir
from ledger.store.digest import digests
from spanledger.samples import samples
from tests.golden.variants import one_span_a_request, otlp_json, shuffled
from tests.service import PROGRAM, Service, service, until
from tests.shown import shown

pytestmark = pytest.mark.slow

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
HARD = (
    "otel_genai_openai.traces",
    "openinference_openai.traces",
    "langgraph_openinference.traces",
    "pydantic_ai.traces",
)
POSTED_S = 30.0
BOOKS = """SELECT agent_name, run_rule, model, tool_name, count(*), sum(input_tokens), sum(output_tokens), sum(cost_usd)
           FROM calls GROUP BY ALL ORDER BY ALL"""
Rows = list[tuple[object, ...]]


def ask(data: Path, query: str) -> Rows:
    with shown(DataDir(data)) as connection:
        return connection.execute(query).fetchall()


def by_grpc(one: Service) -> Callable[[bytes], None]:
    export = grpc.insecure_channel(one.grpc).unary_unary(EXPORT)

    def send(body: bytes) -> None:
        assert export(body, timeout=10) == b""

    return send


def by_http_json(one: Service) -> Callable[[bytes], None]:
    def send(body: bytes) -> None:
        connection = http.client.HTTPConnection(one.http, timeout=10)
        connection.request("POST", "/v1/traces", otlp_json(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"{}")
        connection.close()

    return send


def posted(data: Path, requests: int) -> None:
    count = "SELECT count(*) FROM events WHERE kind = 'otlp.traces'"
    until(lambda: ask(data, count) == [(requests,)], POSTED_S, f"{requests} requests posted")


def test_a_capture_sent_three_times_in_pieces_by_two_transports_is_as_sent_once(tmp_path: Path) -> None:
    bodies = [file.path.read_bytes() for file in samples() if file.path.name.removesuffix(".binpb") in HARD]
    assert len(bodies) == len(HARD)
    books: list[Rows] = []
    pieces = [
        piece for time in range(3) for piece in shuffled([p for b in bodies for p in one_span_a_request(b)], time)
    ]
    for name, sent in (("once", bodies), ("thrice", pieces)):
        (tmp_path / name).mkdir()
        with service(tmp_path / name) as one:
            one.start()
            ways = cycle([by_grpc(one), by_http_json(one)] if name == "thrice" else [by_grpc(one)])
            for send, body in zip(ways, sent, strict=False):
                send(body)
            posted(one.data, len(sent))
            books.append(ask(one.data, BOOKS))
            assert ask(one.data, "SELECT count(*) FROM conflicts") == [(0,)]
    assert books[0] == books[1]
    assert sum(Decimal(str(row[-1] or 0)) for row in books[0]) > 0


def test_a_root_that_comes_after_a_thousand_calls_has_them_all(tmp_path: Path) -> None:
    def request(*spans: dict[str, object]) -> bytes:
        message = ExportTraceServiceRequest()
        scope = message.resource_spans.add().scope_spans.add()
        for said in spans:
            span = scope.spans.add(
                trace_id=bytes(15) + b"\1", start_time_unix_nano=10**18, end_time_unix_nano=10**18 + 1
            )
            span.span_id = int(said.pop("id")).to_bytes(8, "big")
            span.parent_span_id = int(said.pop("parent", 0)).to_bytes(8, "big")
            for key, value in said.items():
                kind = "int_value" if isinstance(value, int) else "string_value"
                setattr(span.attributes.add(key=key.replace("__", ".")).value, kind, value)
        return message.SerializeToString()

    def call(number: int) -> dict[str, object]:
        # 1,000 tokens in and 100 out of gpt-4o-mini: 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD
        return {"id": number, "parent": 9_999, "gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai",
                "gen_ai__request__model": "gpt-4o-mini", "gen_ai__usage__input_tokens": 1_000,
                "gen_ai__usage__output_tokens": 100}  # fmt: skip

    total = Decimal("0.21")
    with service(tmp_path) as one:
        one.start()
        send = by_grpc(one)
        for first in range(1, 1_001, 50):
            send(request(*(call(number) for number in range(first, first + 50))))
        posted(one.data, 20)
        [(before,)] = ask(one.data, "SELECT max(event_seq) FROM events")
        send(request({"id": 9_999, "gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "planner"}))
        posted(one.data, 21)
        columns = "agent_name, model_calls, cost_usd"
        assert ask(one.data, f"SELECT {columns} FROM runs") == [("planner", 1_000, total)]
        assert ask(one.data, f"SELECT {columns} FROM runs_as_of({before})") == [("unknown_service", 1_000, total)]
        assert ask(one.data, "SELECT sum(cost_usd) FROM charges") == [(total,)]
        assert ask(one.data, "SELECT agent_name, sum(calls)::INT, sum(cost_usd) FROM cost_by_agent GROUP BY ALL") == [
            ("planner", 1_000, total)
        ]
        assert one.terminate()[0] == 0
        live = digests(DataDir(one.data))
        subprocess.run([PROGRAM, "rebuild", "--data", str(one.data)], check=True, capture_output=True, timeout=60)
        assert digests(DataDir(one.data)) == live

"""OTLP/gRPC beyond what both transports share: codes of grpcio itself, health, reflection, keepalive, stopping."""

import socket
import threading
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from ingest import grpc_server
from ingest.grpc_server import server_options
from ingest.options import CollectorOptions
from tests.ingest import otlp
from tests.ingest.doors import SIGNAL, Door, MemoryJournal, grpc_failure, open_door, wait_for


def failure(call: object, *arguments: object, **options: object) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        call(*arguments, **options)  # type: ignore[operator]
    return grpc_failure(raised.value).code


@pytest.mark.parametrize(
    "method",
    [
        "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
        "/nobody.knows/This",
    ],
)
@pytest.mark.duty("G1c")
def test_services_that_are_not_there_are_unimplemented(door: Door, method: str) -> None:
    assert failure(door.channel.unary_unary(method), b"", timeout=5) == "UNIMPLEMENTED"


def test_a_call_without_a_message_is_an_invalid_argument(door: Door) -> None:
    call = door.channel.stream_unary(f"/{SIGNAL['traces'].service}/Export")
    assert failure(call, iter(()), timeout=5) == "INVALID_ARGUMENT"


def test_a_message_that_does_not_arrive_is_refused_in_time(tmp_path: Path) -> None:
    never = threading.Event()
    with open_door(tmp_path, receive_s=0.2) as door:
        call = door.channel.stream_unary(f"/{SIGNAL['traces'].service}/Export")
        try:
            assert failure(call, (b"" for _ in iter(never.wait, True)), timeout=5) == "UNAVAILABLE"
            assert door.collector.stats()["admission_reserved_bytes"] == 0
        finally:
            never.set()


@pytest.mark.parametrize("service", ["", *(signal.service for signal in SIGNAL.values())])
def test_health_says_serving(door: Door, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(door.channel)
    reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_export_services(door: Door) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(door.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (reply,) = stub.ServerReflectionInfo(iter([request]), timeout=5)
    names = {service.name for service in reply.list_services_response.service}
    assert {signal.service for signal in SIGNAL.values()} | {"grpc.health.v1.Health"} <= names


def test_pings_without_calls_are_permitted_at_the_rate_exporters_use() -> None:
    options = dict(server_options(CollectorOptions()))
    assert options["grpc.keepalive_permit_without_calls"] == 1
    assert options["grpc.http2.min_ping_interval_without_data_ms"] < 10_000


SETTINGS, PING, GOAWAY = 4, 6, 7


def frame(kind: int, payload: bytes = b"") -> bytes:
    """An HTTP/2 frame on the connection itself (RFC 9113 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, 0, 0, 0, 0, 0]) + payload


def after_pings(address: str, every_s: float, pings: int) -> str:
    """Ping over a bare connection without a call: the server's last word, if it said one."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection, connection.makefile("rb") as received:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS))
        for number in range(pings):
            connection.sendall(frame(PING, number.to_bytes(8, "big")))
            kind = -1
            while kind != PING:
                head = received.read(9)
                kind, payload = head[3], received.read(int.from_bytes(head[:3], "big"))
                if kind == GOAWAY:
                    return payload[8:].decode()
            time.sleep(every_s)  # the rate is what is tested
    return ""


@pytest.mark.duty("G16")
@pytest.mark.parametrize(("least_ms", "last_word"), [(5, ""), (5_000, "too_many_pings")])
def test_pings_no_faster_than_permitted_do_not_end_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least_ms: int, last_word: str
) -> None:
    """Four hundred times as fast as it really is; the second case shows that faster pings would have been noticed."""
    monkeypatch.setattr(grpc_server, "PING_INTERVAL_MIN_MS", least_ms)
    with open_door(tmp_path) as door:
        assert after_pings(door.addresses.otlp_grpc, every_s=0.025, pings=8) == last_word


@pytest.mark.long
def test_half_a_minute_of_pings_does_not_end_the_connection(tmp_path: Path) -> None:
    with open_door(tmp_path) as door:
        assert after_pings(door.addresses.otlp_grpc, every_s=10.0, pings=4) == ""


@pytest.mark.duty("G13a")
def test_a_call_whose_sender_left_is_still_written_and_frees_its_memory(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.hold()
        body = otlp.request("traces")
        call = door.method("traces").future(body, timeout=10)
        assert journal.came.acquire(timeout=5)
        call.cancel()
        assert door.grpc("traces", b"", timeout_s=0.3).code == "DEADLINE_EXCEEDED"
        assert door.collector.stats()["admission_reserved_bytes"] > 0
        journal.release()
        assert door.grpc("traces", body).code == "OK"
        wait_for(lambda: door.collector.stats()["admission_reserved_bytes"] == 0)
        assert journal.bodies("otlp.traces")[0] == body


@pytest.mark.duty("G17", "G9")
def test_a_stop_lets_calls_in_flight_finish_and_refuses_new_ones(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.hold()
        call = door.method("traces").future(otlp.request("traces"), timeout=10)
        assert journal.came.acquire(timeout=5)
        stopping = threading.Thread(target=door.collector.stop)
        stopping.start()
        wait_for(lambda: door.grpc("traces", b"", timeout_s=1).code == "UNAVAILABLE")
        journal.release()
        assert call.result(timeout=5) == b""
        stopping.join(timeout=5)
        assert not stopping.is_alive()


@pytest.mark.duty("G17")
def test_a_stop_ends_in_time_although_the_journal_does_not_answer(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.hold()
        calls = [door.method("traces").future(b"", timeout=10) for _ in range(4)]
        assert all(journal.came.acquire(timeout=5) for _ in calls)
        started = time.monotonic()
        door.collector.stop(drain_s=0.5)
        assert time.monotonic() - started < 2.5
        assert all(isinstance(call.exception(timeout=5), grpc.RpcError) for call in calls)

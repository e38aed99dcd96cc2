"""Connections of OTLP/HTTP: slow ones, foreign ones, many requests on one, and the end of the server."""

import http.client
import json
import logging
import threading
import time
from pathlib import Path

import grpc
import pytest

from tests.conformance.raw_http import connected, head, post, raw, read_all, status_of
from tests.ingest import otlp
from tests.ingest.doors import JSON, PROTOBUF, SIGNAL, Door, MemoryJournal, Reply, open_door, wait_for


@pytest.mark.duty("H4e")
def test_a_lying_content_length_neither_hangs_nor_stores(tmp_path: Path) -> None:
    with open_door(tmp_path, receive_s=0.3) as door:
        lines = (f"Content-Type: {PROTOBUF}", "Content-Length: 100")
        assert raw(door, head(door, *lines), b"only a few bytes") == b""
        wait_for(lambda: door.collector.stats()["admission_reserved_bytes"] == 0)
        assert door.journal.drafts == []


@pytest.mark.parametrize("length", ["-1", "abc", "1e3"])
def test_a_content_length_that_is_no_number_is_400_with_a_status(door: Door, length: str) -> None:
    answer = raw(door, head(door, f"Content-Length: {length}"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 3


def test_what_is_no_http_is_400_with_a_status(door: Door) -> None:
    answer = raw(door, b"\x16\x03\x01 hello\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"].startswith("Invalid HTTP request")


def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(door: Door) -> None:
    lines = (f"Content-Type: {PROTOBUF}", f"Content-Length: {10**12}", "Expect: 100-continue", "Connection: close")
    with connected(door) as connection:
        connection.sendall(head(door, *lines))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.duty("H13")
def test_expect_100_continue_is_answered(door: Door) -> None:
    body = otlp.request("traces")
    with connected(door) as connection:
        lines = (
            f"Content-Type: {PROTOBUF}",
            f"Content-Length: {len(body)}",
            "Expect: 100-continue",
            "Connection: close",
        )
        connection.sendall(head(door, *lines))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.duty("H12")
def test_one_connection_carries_many_requests_after_errors_too(door: Door) -> None:
    host, _, port = door.addresses.otlp_http.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.connect()
    local = connection.sock.getsockname()
    for path, expected in [("/v1/traces", 200), ("/nowhere", 404), ("/v1/logs", 200), ("/v1/metrics", 200)]:
        connection.request(
            "POST", path, otlp.request(path[4:]) if expected == 200 else b"x" * 5000, {"Content-Type": PROTOBUF}
        )
        response = connection.getresponse()
        response.read()
        assert (response.status, connection.sock.getsockname()) == (expected, local)
    connection.close()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/traces HT", b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-Slow: "])
@pytest.mark.duty("H15")
def test_a_head_that_does_not_come_ends_the_connection(tmp_path: Path, sent: bytes) -> None:
    with open_door(tmp_path, header_s=0.2) as door:
        assert raw(door, sent) == b""


@pytest.mark.duty("H15")
def test_a_second_head_that_does_not_come_ends_the_connection(tmp_path: Path) -> None:
    with open_door(tmp_path, header_s=0.2) as door, connected(door) as connection:
        connection.sendall(head(door, f"Content-Type: {PROTOBUF}", "Content-Length: 0"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"POST /v1/tr")
        assert read_all(connection) == b""


@pytest.mark.duty("H15", "H7b")
def test_a_body_that_drips_ends_the_connection_without_an_answer(tmp_path: Path) -> None:
    with open_door(tmp_path, receive_s=0.4) as door, connected(door) as connection:
        connection.sendall(head(door, f"Content-Type: {PROTOBUF}", "Content-Length: 100000"))
        received = b"?"
        started = time.monotonic()
        while time.monotonic() - started < 5:
            try:
                connection.sendall(b"x")
                connection.settimeout(0.05)
                received = connection.recv(100)
                break
            except TimeoutError:
                continue
            except ConnectionError:
                received = b""
                break
        assert received == b""


def test_connections_beyond_the_bound_are_closed(tmp_path: Path) -> None:
    with open_door(tmp_path, connections_max=2) as door:
        first, second = connected(door), connected(door)
        assert raw(door, b"") == b""
        first.close()
        second.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_foreign_host_is_403_with_a_status(door: Door, host: str, content_type: str) -> None:
    assert status_of(post(door, b"", Host=host, Content_Type=content_type)) == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:4318", "[::1]:4318", "[::1]", "localhost."])
def test_names_of_this_machine_are_let_in(door: Door, host: str) -> None:
    assert post(door, b"", Host=host).http_status == 200


def test_configured_hosts_are_let_in(tmp_path: Path) -> None:
    with open_door(tmp_path, hosts=("spanledger.internal",)) as door:
        assert post(door, b"", Host="spanledger.internal:4318").http_status == 200
        assert post(door, b"", Host="other.internal").http_status == 403


def test_an_open_door_takes_numeric_hosts_but_no_foreign_names(tmp_path: Path) -> None:
    with open_door(tmp_path, insecure=True) as door:
        assert post(door, b"", Host="10.1.2.3:4318").http_status == 200
        assert post(door, b"", Host="evil.example").http_status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:4318"])
@pytest.mark.duty("H14")
def test_a_web_page_may_not_post(door: Door, origin: str) -> None:
    assert status_of(post(door, b"", Origin=origin)) == 403
    preflight = post(door, b"", method="OPTIONS", Origin=origin)
    assert (preflight.http_status, "access-control-allow-origin" in preflight.headers) == (403, False)


@pytest.mark.duty("H14")
def test_a_page_of_a_configured_origin_may_post(tmp_path: Path) -> None:
    page = "http://localhost:3000"
    with open_door(tmp_path, cors_origins=(page,)) as door:
        host, _, port = door.addresses.otlp_http.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        connection.request("OPTIONS", "/v1/traces", headers={"Origin": page, "Access-Control-Request-Method": "POST"})
        preflight = connection.getresponse()
        connection.close()
        assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, page)
        assert "content-type" in preflight.headers["access-control-allow-headers"]
        assert post(door, b"", Origin=page).headers["access-control-allow-origin"] == page
        assert post(door, b"", Origin="http://localhost:3001").http_status == 403


def test_a_grpc_client_on_this_port_is_told_the_right_one_once_a_minute(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "ingest.collector"):
        for _ in range(3):
            with grpc.insecure_channel(door.addresses.otlp_http) as channel:
                call = channel.unary_unary(f"/{SIGNAL['traces'].service}/Export")
                with pytest.raises(grpc.RpcError):
                    call(b"", timeout=5)
    hints = [record.getMessage() for record in caplog.records if "gRPC client" in record.getMessage()]
    assert len(hints) == 1
    assert door.addresses.otlp_grpc in hints[0]


def test_a_request_in_flight_is_answered_although_the_server_stops(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.hold()
        replies: list[Reply] = []
        sending = threading.Thread(target=lambda: replies.append(post(door, otlp.request("traces"))))
        sending.start()
        assert journal.came.acquire(timeout=5)
        stopping = threading.Thread(target=door.collector.stop)
        stopping.start()
        journal.release()
        sending.join(timeout=5)
        stopping.join(timeout=5)
    assert [reply.code for reply in replies] == ["OK"]


def test_a_request_that_outlives_the_drain_is_told_to_come_again(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.hold()
        replies: list[Reply] = []
        sending = threading.Thread(target=lambda: replies.append(post(door, otlp.request("traces"))))
        sending.start()
        assert journal.came.acquire(timeout=5)
        started = time.monotonic()
        door.collector.stop(drain_s=1.5)
        assert time.monotonic() - started < 2.5
        sending.join(timeout=5)
    assert [(reply.code, reply.retry_s) for reply in replies] == [("UNAVAILABLE", 2.0)]

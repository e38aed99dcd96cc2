"""OTLP/HTTP beyond what both transports share, over raw sockets where a client library would be too polite."""

import gzip
import http.client
import json
import logging
import socket
import threading
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import grpc
import pytest
import zstandard
from google.rpc import status_pb2

from ledger.errors import Overloaded
from tests.ingest import otlp
from tests.ingest.doors import JSON, PROTOBUF, SIGNAL, Door, MemoryJournal, Reply, http_reply, open_door, wait_for

EXAMPLES = Path(__file__).parent / "otlp_examples"


def post(door: Door, body: Any = b"", path: str = "/v1/traces", method: str = "POST", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.http(path, body, {"Content-Type": PROTOBUF} | named, method=method)


def raw(door: Door, *pieces: bytes, timeout_s: float = 5.0) -> bytes:
    """Send `pieces` and read until the server closes."""
    with connected(door, timeout_s) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read_all(connection)


def connected(door: Door, timeout_s: float = 5.0) -> socket.socket:
    host, _, port = door.addresses.otlp_http.rpartition(":")
    return socket.create_connection((host, int(port)), timeout_s)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def head(door: Door, *lines: str, method: str = "POST", path: str = "/v1/traces") -> bytes:
    host = f"Host: {door.addresses.otlp_http}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", host, *lines, "", ""]).encode()


def status_of(reply: Reply) -> Any:
    """google.rpc.Status in the encoding of the request, whatever the failure."""
    assert reply.headers["content-type"] in (PROTOBUF, JSON)
    assert reply.message
    return reply.http_status


@pytest.mark.parametrize("path", ["/v1/traces/", "/v1/logs/", "/v1/metrics/", "/v1/traces?x=1"])
@pytest.mark.duty("H1c")
def test_a_trailing_slash_and_a_query_are_tolerated(door: Door, path: str) -> None:
    name = path.partition("?")[0].strip("/").removeprefix("v1/")
    reply = door.http(path, otlp.request(name), {"Content-Type": JSON.upper()} | {"Content-Type": PROTOBUF})
    assert reply.http_status == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/trace", "/v1/traces/x", "/v1development/profiles", "/V1/TRACES"])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, "text/html"])
@pytest.mark.duty("H1d")
def test_unknown_paths_are_404_with_a_status(door: Door, path: str, content_type: str) -> None:
    assert status_of(post(door, b"", path, Content_Type=content_type)) == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.duty("H1d")
def test_other_methods_are_405_with_a_status(door: Door, method: str) -> None:
    reply = post(door, b"", method=method)
    assert (status_of(reply), reply.headers["allow"]) == (405, "POST")


def test_head_is_405(door: Door) -> None:
    assert b" 405 " in raw(door, head(door, "Connection: close", method="HEAD"))


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("application/x-protobuf; charset=utf-8", PROTOBUF),
        ("Application/X-Protobuf", PROTOBUF),
        ("application/json;charset=UTF-8", JSON),
        ("APPLICATION/JSON ; a=b", JSON),
    ],
)
@pytest.mark.duty("H2b", "H2d", "H2a")
def test_content_types_are_read_as_http_says(door: Door, sent: str, answered: str) -> None:
    body = otlp.JSON_REQUESTS["traces"] if answered == JSON else otlp.request("traces")
    reply = post(door, body, Content_Type=sent)
    assert (reply.http_status, reply.headers["content-type"]) == (200, answered)


@pytest.mark.parametrize("content_type", ["text/plain", "application/protobuf", "application/grpc", ""])
@pytest.mark.duty("H2c")
def test_other_content_types_are_415(door: Door, content_type: str) -> None:
    assert status_of(post(door, b"", Content_Type=content_type)) == 415


ENCODINGS = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.duty("H3a", "H3b")
def test_content_encodings_are_decoded(door: Door, encoding: str, content_type: str) -> None:
    body = otlp.JSON_REQUESTS["traces"] if content_type == JSON else otlp.request("traces")
    reply = post(door, ENCODINGS[encoding](body), Content_Type=content_type, Content_Encoding=encoding)
    assert (reply.code, door.journal.drafts[-1].body) == ("OK", body)


@pytest.mark.parametrize("encoding", ["br", "snappy", "gzip, gzip", "nonsense"])
@pytest.mark.duty("H3c")
def test_other_encodings_are_415(door: Door, encoding: str) -> None:
    assert status_of(post(door, b"x", Content_Encoding=encoding)) == 415


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("cut", [0, 1, 10, -1])
@pytest.mark.duty("H3d")
def test_corrupt_compression_is_400(door: Door, encoding: str, cut: int) -> None:
    packed = ENCODINGS[encoding](otlp.request("traces") * 50)
    body = b"this is not compressed" if cut == 0 else packed[:cut]
    assert status_of(post(door, body, Content_Encoding=encoding)) == 400


@pytest.mark.duty("H4d")
def test_a_chunked_body_is_taken_and_obeys_the_limit(door: Door) -> None:
    assert post(door, iter([otlp.request("traces"), otlp.request("traces")])).code == "OK"
    limit = door.collector.options.request_bytes_max
    assert post(door, iter([bytes(limit), b"x"])).http_status == 413


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


@pytest.mark.parametrize("name", ["trace", "metrics", "logs", "events"])
@pytest.mark.duty("J10")
def test_the_examples_of_the_specification_are_taken_verbatim(door: Door, name: str) -> None:
    signal = {"trace": "traces", "metrics": "metrics"}.get(name, "logs")
    reply = door.export("json", signal, (EXAMPLES / f"{name}.json").read_bytes())
    assert (reply.code, reply.partial) == ("OK", False)


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


def test_every_failure_on_the_wire_is_a_protobuf_status_for_protobuf_senders(door: Door) -> None:
    reply = post(door, b"\xff")
    assert status_pb2.Status.FromString(reply.body).code == 3
    assert http_reply("/v1/traces", 400, {"content-type": PROTOBUF}, reply.body).code == "INVALID_ARGUMENT"


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


@pytest.mark.duty("H3e")
def test_gzip_bodies_of_several_members_are_taken(door: Door) -> None:
    body = otlp.request("traces")
    packed = gzip.compress(body[:20]) + gzip.compress(body[20:])
    reply = post(door, packed, Content_Encoding="gzip")
    assert (reply.code, door.journal.drafts[-1].body) == ("OK", body)


@pytest.mark.duty("H3c")
def test_a_refused_encoding_is_told_those_that_are_taken(door: Door) -> None:
    assert post(door, b"x", Content_Encoding="br").headers["accept-encoding"] == "gzip, deflate, zstd"


@pytest.mark.duty("H4c")
def test_a_small_bomb_costs_less_memory_than_twice_the_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(66 << 20))
    assert len(bomb) < 66 << 10
    with open_door(tmp_path) as door:
        tracemalloc.start()
        try:
            assert post(door, bomb, Content_Encoding="gzip").http_status == 413
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 2 * (64 << 20)


FAILURES: dict[str, tuple[int, dict[str, Any]]] = {
    "not decodable": (400, {"body": b"\xff"}),
    "foreign host": (403, {"Host": "evil.example"}),
    "no such path": (404, {"path": "/v2"}),
    "wrong method": (405, {"method": "PUT"}),
    "too large": (413, {"body": bytes((1 << 20) + 1)}),
    "no such encoding": (415, {"Content_Encoding": "br"}),
}


@pytest.mark.duty("H5", "H1d", "H2d")
@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_is_a_status_in_the_encoding_of_the_request(door: Door, http_form: str, failure: str) -> None:
    status, changes = FAILURES[failure]
    content_type = JSON if http_form == "json" else PROTOBUF
    reply = post(door, **{"body": b"", "Content_Type": content_type} | changes)
    assert (reply.http_status, reply.headers["content-type"]) == (status, content_type)
    assert reply.message


@pytest.mark.duty("H5", "H7a")
def test_overload_is_a_status_in_the_encoding_of_the_request(tmp_path: Path, http_form: str) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, hold_s=0.0) as door:
        journal.fail = Overloaded("disk full")
        body = otlp.JSON_REQUESTS["traces"] if http_form == "json" else otlp.request("traces")
        reply = door.export(http_form, "traces", body)
    assert (reply.http_status, reply.retry_s, reply.message) == (503, 2.0, "disk full")


@pytest.mark.duty("H2b")
@pytest.mark.parametrize("suffix", ["; charset=utf-8", ";CHARSET=UTF-8", " ; x=y"])
def test_parameters_of_a_content_type_are_no_matter(door: Door, http_form: str, suffix: str) -> None:
    content_type, body = (JSON, b"{}") if http_form == "json" else (PROTOBUF.title(), b"")
    assert post(door, body, Content_Type=content_type + suffix).http_status == 200


@pytest.mark.duty("H3a", "H3b")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_both_forms_may_be_compressed(door: Door, http_form: str, encoding: str) -> None:
    body = otlp.JSON_REQUESTS["traces"] if http_form == "json" else otlp.request("traces")
    content_type = JSON if http_form == "json" else PROTOBUF
    packed = ENCODINGS[encoding](body)
    assert post(door, packed, Content_Type=content_type, Content_Encoding=encoding).code == "OK"

"""OTLP/HTTP beyond what both transports share, over raw sockets where a client library would be too polite."""

import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard
from google.rpc import status_pb2

from ledger.errors import Overloaded
from tests.conformance.raw_http import head, post, raw, status_of
from tests.ingest import otlp
from tests.ingest.doors import JSON, PROTOBUF, Door, MemoryJournal, http_reply, open_door

EXAMPLES = Path(__file__).parent / "otlp_examples"


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


@pytest.mark.parametrize("name", ["trace", "metrics", "logs", "events"])
@pytest.mark.duty("J10")
def test_the_examples_of_the_specification_are_taken_verbatim(door: Door, name: str) -> None:
    signal = {"trace": "traces", "metrics": "metrics"}.get(name, "logs")
    reply = door.export("json", signal, (EXAMPLES / f"{name}.json").read_bytes())
    assert (reply.code, reply.partial) == ("OK", False)


def test_every_failure_on_the_wire_is_a_protobuf_status_for_protobuf_senders(door: Door) -> None:
    reply = post(door, b"\xff")
    assert status_pb2.Status.FromString(reply.body).code == 3
    assert http_reply("/v1/traces", 400, {"content-type": PROTOBUF}, reply.body).code == "INVALID_ARGUMENT"


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

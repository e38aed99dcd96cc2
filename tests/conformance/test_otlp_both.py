"""What OTLP asks of a server whatever the transport: opentelemetry-proto docs/specification.md, "Server response"."""

import dataclasses
import gzip
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo

from ingest.options import CollectorOptions
from ingest.signals import SIGNALS, Signal
from ledger.errors import Corrupt, LedgerError, Overloaded, Refused
from tests.ingest import otlp
from tests.ingest.doors import JSON, PROTOBUF, Door, MemoryJournal, open_door


def body_of(transport: str, signal: str) -> bytes:
    return otlp.JSON_REQUESTS[signal] if transport == "json" else otlp.request(signal)


def spans_body(transport: str, *ids: tuple[str, str]) -> bytes:
    if transport == "json":
        spans = [{"traceId": trace_id, "spanId": span_id} for trace_id, span_id in ids]
        return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    return otlp.envelope(*(otlp.ids(bytes.fromhex(trace_id), bytes.fromhex(span_id)) for trace_id, span_id in ids))


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.duty("G1a", "G1b", "G2a", "H1a", "H1b", "H2a")
def test_every_signal_is_journaled_byte_for_byte(door: Door, transport: str, signal: str) -> None:
    body = body_of(transport, signal)
    assert door.export(transport, signal, body).code == "OK"
    draft = door.journal.drafts[-1]
    assert (draft.kind, draft.body) == (f"otlp.{signal}", body)
    assert draft.transport == ("grpc" if transport == "grpc" else "http")
    assert draft.content_type == (JSON if transport == "json" else PROTOBUF)


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.duty("G5", "H8")
def test_full_success_leaves_partial_success_unset(door: Door, transport: str, signal: str) -> None:
    reply = door.export(transport, signal, body_of(transport, signal))
    assert (reply.code, reply.partial) == ("OK", False)
    assert reply.body == (b"{}" if transport == "json" else b"")


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.parametrize("body", [b"", otlp.field(1, b""), otlp.field(1, otlp.field(2, b""))])
@pytest.mark.duty("G4", "H10")
def test_an_empty_request_succeeds(door: Door, wire: str, signal: str, body: bytes) -> None:
    reply = door.export(wire, signal, body)
    assert (reply.code, reply.partial) == ("OK", False)


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans":[]}', b'{"resourceSpans":[{"scopeSpans":[]}]}'])
@pytest.mark.duty("H10")
def test_an_empty_json_request_succeeds(door: Door, body: bytes) -> None:
    assert door.export("json", "traces", body).code == "OK"


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [("00" * 16, "01" * 8), ("01" * 16, "00" * 8), ("01" * 15, "01" * 8), ("01" * 16, "01" * 9), ("", "")],
)
@pytest.mark.duty("D1a", "G6a", "G6b", "H9a", "H9b", "G7")
def test_bad_ids_are_counted_and_harm_no_sibling(door: Door, transport: str, trace_id: str, span_id: str) -> None:
    body = spans_body(transport, ("ab" * 16, "cd" * 8), (trace_id, span_id), ("12" * 16, "34" * 8))
    reply = door.export(transport, "traces", body)
    assert (reply.code, reply.rejected, reply.partial) == ("OK", 1, True)
    assert "1 of 3 spans rejected" in reply.message
    assert door.journal.drafts[-1].body == body


def test_a_string_that_is_no_utf8_is_taken(door: Door, wire: str) -> None:
    span = otlp.ids() + otlp.field(5, b"\xff\xfe") + otlp.string_attribute(b"k\xff", b"\xc3\x28")
    reply = door.export(wire, "traces", otlp.envelope(span))
    assert (reply.code, reply.rejected) == ("OK", 0)


@pytest.mark.parametrize("depth", [10, 48, 100, 1000, 20_000])
def test_deeply_nested_arrays_are_taken(door: Door, wire: str, depth: int) -> None:
    reply = door.export(wire, "traces", otlp.envelope(otlp.ids() + otlp.nested_attribute(depth)))
    assert (reply.code, reply.rejected) == ("OK", 0)


def test_a_span_that_is_broken_inside_is_counted_alone(door: Door, wire: str) -> None:
    broken = otlp.ids() + b"\x2a\x7fshort"
    reply = door.export(wire, "traces", otlp.envelope(otlp.ids(), broken, otlp.ids()))
    assert (reply.code, reply.rejected) == ("OK", 1)


@pytest.mark.duty("G15a", "G15b")
def test_unknown_fields_are_kept(door: Door, wire: str) -> None:
    body = otlp.envelope(otlp.ids() + otlp.field(999, b"from the future")) + otlp.field(77, b"new")
    assert door.export(wire, "traces", body).code == "OK"
    assert door.journal.drafts[-1].body == body


BROKEN = [b"\xff\xff\xff", b"not a protobuf", otlp.request("traces")[:-1], otlp.field(1, b"\x12\x7f")]


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.parametrize("body", BROKEN[:2])
@pytest.mark.duty("G8", "H6a", "H6b")
def test_what_is_no_protobuf_is_an_invalid_argument(door: Door, wire: str, signal: str, body: bytes) -> None:
    reply = door.export(wire, signal, body)
    assert (reply.code, reply.retry_s) == ("INVALID_ARGUMENT", None)
    assert signal in reply.message
    assert [type(detail) for detail in reply.details] == [BadRequest]


@pytest.mark.parametrize("body", BROKEN[2:])
def test_a_truncated_request_is_an_invalid_argument(door: Door, wire: str, body: bytes) -> None:
    assert door.export(wire, "traces", body).code == "INVALID_ARGUMENT"


JSON_BOMBS = [b"", b"{", b"[]", b"nul", b'{"resourceSpans":3}', b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"", b"\xff{}"]


@pytest.mark.parametrize("body", JSON_BOMBS)
@pytest.mark.duty("H6a", "H6b")
def test_what_is_no_otlp_json_is_an_invalid_argument(door: Door, body: bytes) -> None:
    reply = door.export("json", "traces", body)
    assert (reply.code, reply.http_status) == ("INVALID_ARGUMENT", 400)
    assert [type(detail) for detail in reply.details] == [BadRequest]


def test_any_bytes_end_in_an_ack_or_a_refusal(door: Door, transport: str) -> None:
    valid = body_of(transport, "traces")
    for n in range(120):
        noise = bytearray(valid)
        noise[n * 7 % len(noise)] ^= 1 << n % 8
        assert door.export(transport, "traces", bytes(noise)).code in ("OK", "INVALID_ARGUMENT")


def test_what_was_refused_is_noted_in_the_journal_a_few_times(tmp_path: Path, transport: str) -> None:
    with open_door(tmp_path, refused_events_per_s=0.0, refused_events_burst=3, refused_head_bytes=4) as door:
        for _ in range(10):
            assert door.export(transport, "traces", b"\xff\xff garbage").code == "INVALID_ARGUMENT"
        notes = [json.loads(body) for body in door.journal.bodies("refused")]
    assert len(notes) == 3
    assert notes[0]["head_base64"] == "//8gZw=="
    assert (notes[0]["body_bytes"], notes[0]["signal"]) == (10, "traces")


@pytest.mark.duty("G3a", "H4a")
def test_over_the_limit_is_refused_for_good(door: Door, transport: str) -> None:
    limit = door.collector.options.request_bytes_max
    reply = door.export(transport, "traces", bytes(limit + 1))
    assert (reply.code, reply.retry_s) == ("RESOURCE_EXHAUSTED", None)
    assert not any(isinstance(detail, RetryInfo) for detail in reply.details)


def test_a_request_at_the_limit_is_taken(door: Door, wire: str) -> None:
    limit = door.collector.options.request_bytes_max
    body = otlp.traces(1, "x" * (limit - 200)).SerializeToString()
    body += otlp.field(1999, bytes(limit - len(body) - 5))
    assert limit - 2 <= len(body) <= limit
    assert door.export(wire, "traces", body).code == "OK"


@pytest.mark.parametrize("error", [Overloaded("disk full"), Corrupt("bad frame"), LedgerError("?"), ValueError("bug")])
@pytest.mark.duty("G9", "G10", "G11", "H7a", "H7b")
def test_no_fault_of_ours_makes_a_sender_drop_its_batch(tmp_path: Path, transport: str, error: Exception) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, hold_s=0.0) as door:
        journal.fail = error
        reply = door.export(transport, "traces", body_of(transport, "traces"))
    assert reply.code == "UNAVAILABLE"
    assert reply.retry_s == (1.8 if transport == "grpc" else 2.0)
    assert [type(detail) for detail in reply.details] == [RetryInfo]
    assert "bug" not in reply.message


def test_a_journal_that_has_no_room_for_a_moment_only_delays_the_ack(tmp_path: Path, transport: str) -> None:
    journal = MemoryJournal()
    journal.fail_first = [Overloaded("queue full"), Overloaded("queue full")]
    with open_door(tmp_path, journal, hold_s=3.0) as door:
        assert door.export(transport, "traces", body_of(transport, "traces")).code == "OK"


@pytest.mark.duty("G12")
def test_thirty_calls_at_once_are_all_answered(door: Door, transport: str) -> None:
    with ThreadPoolExecutor(30) as threads:
        replies = list(threads.map(lambda _: door.export(transport, "traces", body_of(transport, "traces")), range(90)))
    assert {reply.code for reply in replies} == {"OK"}


@pytest.mark.duty("G14")
def test_a_response_stays_small_however_much_is_rejected(tmp_path: Path, wire: str) -> None:
    with open_door(tmp_path) as door:
        reply = door.export(wire, "traces", otlp.envelope(*[b""] * 60_000))
    assert (reply.rejected, len(reply.body) < 1024) == (60_000, True)


@pytest.mark.duty("P5")
def test_requests_that_would_unfold_without_end_are_refused_for_good(tmp_path: Path, wire: str) -> None:
    limits = {"records_max": 1000, "elements_max": 4000}
    shapes = {
        "spans": otlp.envelope(*[b""] * 2000),
        "resources": otlp.field(1, b"") * 2000,
        "scopes": otlp.field(1, otlp.field(2, b"") * 2000),
        "attributes": otlp.envelope(otlp.ids() + otlp.field(9, b"") * 5000),
        "events": otlp.envelope(otlp.ids() + otlp.field(11, b"") * 5000),
        "values": otlp.envelope(otlp.ids() + otlp.field(9, otlp.field(2, otlp.field(5, otlp.field(1, b"") * 5000)))),
        "resource attributes": otlp.field(1, otlp.field(1, otlp.field(1, b"") * 5000)),
    }
    with open_door(tmp_path, **limits) as door:
        codes = {shape: door.export(wire, "traces", body).code for shape, body in shapes.items()}
        assert door.journal.drafts == []
    assert codes == dict.fromkeys(shapes, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.duty("G2b", "G2c", "H3a", "H3b")
def test_compressed_requests_are_journaled_decompressed(door: Door, wire: str, encoding: str) -> None:
    body = otlp.request("traces")
    if wire == "grpc":
        algorithm = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}[encoding]
        reply = door.grpc("traces", body, compression=algorithm)
    else:
        packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](body)
        reply = door.http("/v1/traces", packed, {"Content-Type": PROTOBUF, "Content-Encoding": encoding})
    assert (reply.code, door.journal.drafts[-1].body) == ("OK", body)


@pytest.mark.duty("G3b", "H4b")
def test_the_limit_holds_after_decompression(door: Door, wire: str) -> None:
    bomb = bytes(door.collector.options.request_bytes_max + 1)
    if wire == "grpc":
        reply = door.grpc("traces", bomb, compression=grpc.Compression.Gzip)
    else:
        reply = door.http("/v1/traces", gzip.compress(bomb), {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})
    assert (reply.code, reply.retry_s) == ("RESOURCE_EXHAUSTED", None)


@pytest.mark.duty("G18a", "G18b", "G3a")
def test_the_defaults_are_those_of_the_specification() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(CollectorOptions)}
    assert (defaults["otlp_grpc"], defaults["otlp_http"]) == ("127.0.0.1:4317", "127.0.0.1:4318")
    assert defaults["request_bytes_max"] == 64 << 20


@pytest.mark.duty("G18b")
@pytest.mark.parametrize("flag", ["otlp_grpc", "otlp_http"])
@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.7"])
def test_only_loopback_is_bound_unless_told_otherwise(tmp_path: Path, flag: str, host: str) -> None:
    with pytest.raises(Refused, match="insecure"), open_door(tmp_path, **{flag: f"{host}:0"}):
        pass


@pytest.mark.duty("G7")
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_warning_without_a_rejection_has_words_and_a_count_of_zero(signal: Signal) -> None:
    partial = signal.answer(0, "the resource does not read").partial_success
    assert (getattr(partial, signal.rejected_field), partial.error_message) == (0, "the resource does not read")
    assert not signal.answer(0, "").HasField("partial_success")


@pytest.mark.duty("P6")
def test_a_request_cut_at_any_length_is_taken_or_refused(door: Door, wire: str) -> None:
    body = otlp.envelope(otlp.ids(), otlp.ids())
    codes = {length: door.export(wire, "traces", body[:length]).code for length in range(len(body))}
    # Nothing at all is a request without spans. Else the length of the envelope does not fit, and nothing is stored.
    assert codes == {0: "OK"} | dict.fromkeys(range(1, len(body)), "INVALID_ARGUMENT")

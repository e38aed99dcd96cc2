"""The door check: counts, ids, and the same verdict on wire form as a full parser where the envelope is concerned."""

import random

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.door import Checked, check
from ledger.errors import Refused, TooLarge
from tests.ingest import otlp

LIMITS = {"records_max": 100_000, "elements_max": 1_000_000}


def checked(wire: bytes, signal: str = "traces") -> Checked:
    return check(signal, wire, **LIMITS)


def test_spans_of_all_resources_and_scopes_are_counted() -> None:
    request = otlp.traces(3)
    request.MergeFrom(otlp.traces(5))
    request.resource_spans[0].scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    assert checked(request.SerializeToString()) == Checked(9, 0)


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_records_without_ids_are_counted(signal: str) -> None:
    assert checked(otlp.request(signal), signal) == Checked(1, 0)


def test_fields_may_come_in_any_order_and_twice() -> None:
    other_order = otlp.field(2, b"s" * 8) + otlp.field(5, b"name") + otlp.field(1, b"t" * 16)
    last_wins = otlp.ids(b"short", b"") + otlp.ids()
    spoiled = otlp.ids() + otlp.field(2, b"seven..")
    assert checked(otlp.envelope(other_order, last_wins, spoiled)) == Checked(3, 1)


@pytest.mark.parametrize(("parent", "rejected"), [(b"p" * 8, 0), (bytes(8), 0), (b"", 0), (b"p" * 7, 1), (b"p" * 9, 1)])
def test_a_parent_is_an_id_or_absent(parent: bytes, rejected: int) -> None:
    wire = otlp.envelope(otlp.ids(), otlp.ids() + otlp.field(4, parent), otlp.ids() + otlp.field(4, b"p" * 8))
    assert checked(wire) == Checked(3, rejected)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"t" * 16, bytes(16), b"", b"t" * 15, b"t" * 17, b"\0" * 15 + b"1"]),
            st.sampled_from([b"s" * 8, bytes(8), b"", b"s" * 7, b"s" * 9, b"\0" * 7 + b"1"]),
        ),
        max_size=40,
    )
)
def test_rejected_spans_are_those_whose_ids_are_not_valid(pairs: list[tuple[bytes, bytes]]) -> None:
    good = {b"t" * 16, b"\0" * 15 + b"1"}, {b"s" * 8, b"\0" * 7 + b"1"}
    bad = sum(trace_id not in good[0] or span_id not in good[1] for trace_id, span_id in pairs)
    wire = otlp.envelope(*(otlp.ids(trace_id, span_id) for trace_id, span_id in pairs))
    assert checked(wire) == Checked(len(pairs), bad)


def test_a_broken_span_is_rejected_alone_and_a_broken_envelope_refuses_all() -> None:
    broken = otlp.ids() + b"\x2a\x7fx"
    assert checked(otlp.envelope(otlp.ids(), broken, otlp.ids(b"", b""))) == Checked(3, 2)
    with pytest.raises(Refused, match="wire form is broken"):
        checked(otlp.envelope(otlp.ids())[:-3])


def test_what_a_full_parser_takes_is_taken() -> None:
    random.seed(7)
    valid = otlp.traces(3).SerializeToString()
    for _ in range(3000):
        noise = bytearray(valid)
        for _ in range(random.randint(1, 3)):
            noise[random.randrange(len(noise))] = random.randrange(256)
        try:
            ExportTraceServiceRequest.FromString(bytes(noise))
        except DecodeError:
            continue
        checked(bytes(noise))


@given(st.binary(max_size=300))
def test_any_bytes_are_counted_or_refused(wire: bytes) -> None:
    for signal in otlp.SIGNALS:
        try:
            checked(wire, signal)
        except Refused:
            continue


@pytest.mark.parametrize("size", [10, 3 << 20])
def test_too_many_records_are_too_large_whatever_the_body(size: int) -> None:
    wire = otlp.envelope(otlp.ids() + otlp.field(99, bytes(size)), *[b""] * 2000)
    with pytest.raises(TooLarge, match="1000 records"):
        check("traces", wire, records_max=1000, elements_max=10_000_000)


def test_a_large_request_within_the_limits_is_taken() -> None:
    text = b'{"role": "user", "content": "\n\x12\x0a zebra"}' * 2000
    span = otlp.ids() + otlp.string_attribute(b"gen_ai.prompt", text)
    assert checked(otlp.envelope(*[span] * 60)) == Checked(60, 0)
    assert len(otlp.envelope(*[span] * 60)) > 4 << 20


def test_counting_gives_up_on_a_request_of_nothing_but_scalars() -> None:
    wire = otlp.envelope(otlp.ids() + b"\x80\x01\x00" * 100_000)
    with pytest.raises(TooLarge):
        check("traces", wire + otlp.field(99, b"\x12" * 20_000), records_max=100, elements_max=10_000)

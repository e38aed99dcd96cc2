"""OTLP/JSON line by line (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.json_otlp import MESSAGE_DEPTH_MAX, REQUESTS, to_protobuf
from ledger.errors import Refused

EXAMPLES = Path(__file__).parents[1] / "conformance" / "otlp_examples"
ID = "5b8efff798038103d269b633813fc60c"


def span_json(**fields):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).encode()


def span_of(body):
    request = ExportTraceServiceRequest.FromString(to_protobuf("traces", body))
    return request.resource_spans[0].scope_spans[0].spans[0]


def value_of(value):
    return span_of(span_json(attributes=[{"key": "k", "value": value}])).attributes[0].value


@pytest.mark.parametrize(
    ("name", "signal"), [("trace", "traces"), ("logs", "logs"), ("events", "logs"), ("metrics", "metrics")]
)
def test_published_examples_are_accepted_verbatim(name, signal):
    path = EXAMPLES / f"{name}.json"
    request = REQUESTS[signal]()
    request.ParseFromString(to_protobuf(signal, path.read_bytes()))
    assert b"my.service" in request.SerializeToString()


def test_ids_are_hex_in_either_case():
    span = span_of(span_json(traceId=ID.upper(), spanId="EEE19B7ec3c1b174", parentSpanId=""))
    assert span.trace_id.hex() == ID
    assert span.span_id.hex() == "eee19b7ec3c1b174"
    assert span.parent_span_id == b""


def test_an_id_that_is_not_hex_spoils_its_span_only():
    assert len(span_of(span_json(traceId="W47/95gDgQPSabYzgT/GDA==")).trace_id) == 1


@pytest.mark.parametrize("number", ["1544712660300000000", 1544712660300000000, 1544712660300000000.0])
def test_64_bit_integers_come_as_text_or_number(number):
    assert span_of(span_json(startTimeUnixNano=number)).start_time_unix_nano == 1544712660300000000


def test_enums_are_integers_and_unknown_ones_are_kept():
    assert span_of(span_json(kind=99)).kind == 99
    with pytest.raises(Refused, match=r"resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.kind: .*SPAN_KIND_SERVER"):
        span_of(span_json(kind="SPAN_KIND_SERVER"))


def test_unknown_and_snake_case_keys_are_ignored_and_null_is_absent():
    span = span_of(span_json(name="n", trace_id=ID, surprise={"a": [1]}, status=None, events=None))
    assert (span.name, span.trace_id, span.HasField("status")) == ("n", b"", False)


def test_values_of_every_kind():
    assert value_of({"bytesValue": "AP8="}).bytes_value == b"\x00\xff"
    assert value_of({"bytesValue": "AP8"}).bytes_value == b"\x00\xff"
    assert value_of({"intValue": "-9223372036854775808"}).int_value == -(2**63)
    assert value_of({"boolValue": False}).WhichOneof("value") == "bool_value"
    assert value_of({"stringValue": ""}).WhichOneof("value") == "string_value"
    assert value_of({"arrayValue": {}}).WhichOneof("value") == "array_value"
    assert value_of({}).WhichOneof("value") is None
    assert value_of({"kvlistValue": {"values": [{"key": "a"}]}}).kvlist_value.values[0].key == "a"


def test_doubles_may_be_text():
    assert math.isnan(value_of({"doubleValue": "NaN"}).double_value)
    assert value_of({"doubleValue": "-Infinity"}).double_value == -math.inf
    assert math.isnan(
        span_of(span_json(attributes=[{"value": {"doubleValue": math.nan}}])).attributes[0].value.double_value
    )
    assert value_of({"doubleValue": 1}).double_value == 1.0
    assert value_of({"doubleValue": "0.0003369"}).double_value == 0.0003369


def test_a_byte_order_mark_is_tolerated():
    assert span_of(b"\xef\xbb\xbf" + span_json(name="n")).name == "n"


def test_a_lone_surrogate_becomes_a_replacement_character():
    assert span_of(span_json(name="a\ud800\U0001f600")).name == "a\ufffd\U0001f600"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "line 1 column 1"),
        (b'{"resourceSpans": [', "line 1 column"),
        (b'"\xff"', "byte 1: not UTF-8"),
        (b"[]", "the top level: expected an object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"resourceSpans": NaN}', "resourceSpans: expected an array"),
        (b'{"resourceSpans": {}}', "resourceSpans: expected an array"),
        (b'{"resourceSpans": [7]}', r"resourceSpans\[0\]: expected an object"),
        (span_json(startTimeUnixNano=-1), "startTimeUnixNano: -1 is outside"),
        (span_json(startTimeUnixNano="9" * 20), "startTimeUnixNano: 9+ is outside"),
        (span_json(startTimeUnixNano=1.5), "startTimeUnixNano: expected an integer"),
        (span_json(startTimeUnixNano=True), "startTimeUnixNano: expected an integer"),
        (span_json(name=7), "name: expected text"),
        (span_json(flags=2**32), "flags: 4294967296 is outside"),
        (span_json(attributes=[{"value": {"bytesValue": "*"}}]), r"attributes\[0\]\.value\.bytesValue: .*base64"),
        (span_json(attributes=[{"value": {"boolValue": "true"}}]), r"boolValue: expected true or false"),
        (span_json(kind=0).replace(b'"kind": 0', b'"kind": ' + b"9" * 5_000), r"spans\[0\]\.kind: .*5,?002 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_naming_the_place(body, place):
    with pytest.raises(Refused, match=place):
        to_protobuf("traces", body)


def test_nesting_is_bounded_and_what_is_within_parses():
    def nested(levels):
        value = {"stringValue": "x"}
        for _ in range(levels):
            value = {"arrayValue": {"values": [value]}}
        return span_json(attributes=[{"key": "k", "value": value}])

    levels = (MESSAGE_DEPTH_MAX - 6) // 2  # request, resource, scope, span, attribute, value; then two each
    assert span_of(nested(levels)).attributes[0].value.HasField("array_value")
    with pytest.raises(Refused, match=f"deeper than {MESSAGE_DEPTH_MAX} messages"):
        span_of(nested(levels + 1))


KEYS = (
    *("resourceSpans", "scopeSpans", "spans", "attributes", "value", "arrayValue", "values", "traceId", "kind"),
    *("resourceLogs", "scopeLogs", "logRecords", "body", "timeUnixNano", "resourceMetrics"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(sorted(REQUESTS)))
def test_any_json_is_converted_or_refused(value, signal):
    outcome(signal, json.dumps(value).encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(sorted(REQUESTS)))
def test_any_bytes_are_converted_or_refused(body, signal):
    outcome(signal, body)


def outcome(signal, body):
    try:
        REQUESTS[signal]().ParseFromString(to_protobuf(signal, body))
    except Refused:
        return

"""OTLP/JSON line by line (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)."""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.json_message import MESSAGE_DEPTH_MAX
from ingest.json_otlp import REQUESTS, to_protobuf
from ingest.json_text import DEPTH_MAX
from ingest.notes import REPAIRED, UNREADABLE
from ledger.errors import Refused

EXAMPLES = Path(__file__).parents[1] / "conformance" / "otlp_examples"
ID = "5b8efff798038103d269b633813fc60c"


def span_json(**fields):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).encode()


def converted(body, signal="traces"):
    """The wire form of a request in which every record fits."""
    got = to_protobuf(signal, body)
    assert got.misfits == ()
    return got.wire


def misfit(body, signal="traces"):
    """Why the only record of `body` does not fit."""
    (found,) = to_protobuf(signal, body).misfits
    assert found.index == 0
    return found.reason


def span_of(body):
    request = ExportTraceServiceRequest.FromString(converted(body))
    return request.resource_spans[0].scope_spans[0].spans[0]


def value_of(value):
    return span_of(span_json(attributes=[{"key": "k", "value": value}])).attributes[0].value


@pytest.mark.parametrize(
    ("name", "signal"), [("trace", "traces"), ("logs", "logs"), ("events", "logs"), ("metrics", "metrics")]
)
def test_published_examples_are_accepted_verbatim(name, signal):
    path = EXAMPLES / f"{name}.json"
    request = REQUESTS[signal]()
    request.ParseFromString(converted(path.read_bytes(), signal))
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
    assert misfit(span_json(kind="SPAN_KIND_SERVER")) == (
        "resourceSpans[0].scopeSpans[0].spans[0].kind: expected an integer, got 'SPAN_KIND_SERVER'"
    )


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
        (b'"\xff"', "the top level: expected an object"),
        (b"\xff{}", "line 1 column 1"),
        (b"[]", "the top level: expected an object"),
        (b"[" * 100_000, "line 1 column"),
        (b'{"resourceSpans": NaN}', "resourceSpans: expected an array"),
        (b'{"resourceSpans": {}}', "resourceSpans: expected an array"),
        (b'{"resourceSpans": [7]}', r"resourceSpans\[0\]: expected an object"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": 7}]}]}', r"scopeSpans\[0\]\.spans: expected an array"),
    ],
)
def test_an_envelope_that_does_not_read_is_refused_naming_the_place(body, place):
    with pytest.raises(Refused, match=place):
        to_protobuf("traces", body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (span_json(startTimeUnixNano=-1), "startTimeUnixNano: -1 is outside"),
        (span_json(startTimeUnixNano="9" * 20), "startTimeUnixNano: 9+ is outside"),
        (span_json(startTimeUnixNano=1.5), "startTimeUnixNano: expected an integer"),
        (span_json(startTimeUnixNano=True), "startTimeUnixNano: expected an integer"),
        (span_json(name=7), "name: expected text"),
        (span_json(flags=2**32), "flags: 4294967296 is outside"),
        (span_json(attributes=[{"value": {"bytesValue": "*"}}]), r"attributes\[0\]\.value\.bytesValue: .*base64"),
        (span_json(attributes=[{"value": {"boolValue": "true"}}]), r"boolValue: expected true or false"),
        (span_json(kind=0).replace(b'"kind": 0', b'"kind": ' + b"9" * 5_000), r"spans\[0\]\.kind: .*5,?002 characters"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [7]}]}]}', r"spans\[0\]: expected an object"),
    ],
)
def test_a_record_that_does_not_fit_says_where(body, place):
    assert re.search(place, misfit(body))


def test_a_record_that_does_not_fit_harms_no_other():
    spans = [{"name": "a"}, {"name": "b", "kind": "CLIENT", "traceId": ID}, {"name": "c"}]
    got = to_protobuf("traces", json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode())
    request = ExportTraceServiceRequest.FromString(got.wire)
    read = request.resource_spans[0].scope_spans[0].spans
    assert [(span.name, span.trace_id) for span in read] == [("a", b""), ("", b""), ("c", b"")]
    (found,) = got.misfits
    assert (found.index, json.loads(found.text)) == (1, spans[1])


@pytest.mark.parametrize(
    ("signal", "lists"),
    [
        ("logs", ("resourceLogs", "scopeLogs", "logRecords")),
        ("metrics", ("resourceMetrics", "scopeMetrics", "metrics")),
    ],
)
def test_records_of_the_other_signals_fail_alone_too(signal, lists):
    groups, scopes, records = lists
    body = json.dumps({groups: [{scopes: [{records: [{}, {"body": 7, "name": 7}, {}]}]}]}).encode()
    got = to_protobuf(signal, body)
    assert [(found.index, found.reason[: found.reason.index(":")]) for found in got.misfits] == [
        (1, f"{groups}[0].{scopes}[0].{records}[1]." + ("body" if signal == "logs" else "name"))
    ]


def test_what_does_not_fit_of_a_resource_or_scope_is_missing_and_its_spans_say_so():
    bad, good = ({"resource": {"attributes": [{"key": k}]}, "scopeSpans": [{"spans": [{}]}]} for k in (7, "k"))
    scope = {"scopeSpans": [{"scope": {"name": 7}, "spans": [{}]}]}
    got = to_protobuf("traces", json.dumps({"resourceSpans": [good, bad, scope]}).encode())
    assert got.misfits == ()
    assert got.warning == "resourceSpans[1].resource.attributes[0].key: expected text, got int"
    groups = ExportTraceServiceRequest.FromString(got.wire).resource_spans
    spans = [group.scope_spans[0].spans[0] for group in groups]
    notes = [{pair.key: pair.value.string_value for pair in span.attributes} for span in spans]
    scopes = "resourceSpans[2].scopeSpans[0].scope.name: expected text, got int"
    assert notes == [{}, {UNREADABLE: got.warning}, {UNREADABLE: scopes}]


@pytest.mark.parametrize("deep", ["[%s]", '{"a":%s}', '{"arrayValue":{"values":[%s]}}'])
@pytest.mark.parametrize("levels", [150, DEPTH_MAX, 900, 20_000])
def test_what_is_nested_too_deeply_spoils_its_own_record_only(deep, levels):
    opened, closed = deep.split("%s")
    value = opened * levels + "{}" + closed * levels
    spans = f'{{"name":"a"}}, {{"attributes":[{{"value":{value}}}]}}, {{"name":"]\\"[","x":[[]]}}'
    got = to_protobuf("traces", f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}'.encode())
    names = [
        span.name for span in ExportTraceServiceRequest.FromString(got.wire).resource_spans[0].scope_spans[0].spans
    ]
    assert names == ["a", "", ']"[']
    # An unknown key within is ignored, however much hangs on it.
    assert [found.index for found in got.misfits] == ([] if deep.startswith('{"a"') else [1])


def test_a_text_that_is_no_utf8_is_repaired_and_harms_no_other():
    spans = span_json(name="broken", kind=3).replace(b"broken", b"caf\xe9")
    assert (span_of(spans).name, span_of(spans).kind) == ("caf\ufffd", 3)
    assert [pair.key for pair in span_of(spans).attributes] == [REPAIRED]


def test_nesting_is_bounded_and_what_is_within_parses():
    def nested(levels):
        value = {"stringValue": "x"}
        for _ in range(levels):
            value = {"arrayValue": {"values": [value]}}
        return span_json(attributes=[{"key": "k", "value": value}])

    levels = (MESSAGE_DEPTH_MAX - 6) // 2  # request, resource, scope, span, attribute, value; then two each
    assert span_of(nested(levels)).attributes[0].value.HasField("array_value")
    assert f"deeper than {MESSAGE_DEPTH_MAX} messages" in misfit(nested(levels + 1))


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
        REQUESTS[signal]().ParseFromString(to_protobuf(signal, body).wire)
    except Refused:
        return

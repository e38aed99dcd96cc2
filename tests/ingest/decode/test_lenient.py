"""Requests that no strict parser takes: one bad span harms no other, and what was repaired or is missing is noted."""

import json

import pytest

from ingest.decode import decode
from ingest.decode.lenient import span_slices
from ingest.door import check
from ingest.notes import REPAIRED, UNREADABLE
from tests.ingest import otlp
from tests.ingest.decode.made import JSON, SPAN, TRACE, event, request
from tests.ingest.decode.test_decode import broken_name, only, same, walked


def test_text_that_is_no_utf8_is_repaired_and_noted_and_harms_no_other():
    made = request({"name": "good"}, {"name": "broken", "attributes": {"k": "fine"}})
    rows = decode([event(broken_name(made.SerializeToString()))]).spans.to_pylist()
    assert rows[0]["name"] == "good"
    assert rows[0]["attributes"] == []
    assert rows[1]["name"].startswith("caf\ufffd")
    assert dict(rows[1]["attributes"]) == {"k": "fine", REPAIRED: "name"}


@pytest.mark.parametrize("value", ["broken", ["broken"], {"k": "broken"}, {"broken": 1}])
def test_values_that_are_no_utf8_are_repaired_however_deep(value):
    row = only(broken_name(request({"attributes": {"key": value}}).SerializeToString()))
    assert "caf\ufffd" in dict(row["attributes"])["key"]
    assert dict(row["attributes"])[REPAIRED] == "attributes.key"


def test_a_bad_resource_is_noted_on_the_resource():
    row = only(broken_name(request({}, resource={"service.name": "broken"}).SerializeToString()))
    assert row["service_name"].startswith("caf\ufffd")
    assert dict(row["resource"])[REPAIRED] == "attributes.service.name"


def test_a_span_that_does_not_read_is_quarantined_alone():
    made = request({"name": "a"}, {"name": "broken"}, {"name": "b"})
    body = made.SerializeToString()
    span = made.resource_spans[0].scope_spans[0].spans[1].SerializeToString()
    torn = span.replace(b"\x2a\x06broken", b"\x2a\x7fbroken")  # the name says 127 bytes
    got = decode([event(body.replace(span, torn))])
    assert [(row["name"], row["span_index"]) for row in got.spans.to_pylist()] == [("a", 0), ("b", 2)]
    (row,) = got.quarantine.to_pylist()
    assert (row["span_index"], row["bytes"]) == (1, torn)
    assert "the span does not read" in row["reason"]


@pytest.mark.parametrize(("of", "scope", "note"), [(b"\x0a\x7fx", b"", "resource: "), (b"", b"\x0a\x7fx", "scope: ")])
def test_what_does_not_read_of_a_group_is_missing_and_its_spans_say_so(of, scope, note):
    ids = b"\x0a\x10" + TRACE + b"\x12\x08" + SPAN
    inner = b"\x0a" + bytes([len(scope)]) + scope + b"\x12" + bytes([len(ids)]) + ids
    group = b"\x0a" + bytes([len(of)]) + of + b"\x12" + bytes([len(inner)]) + inner
    row = only(b"\x0a" + bytes([len(group)]) + group)
    assert dict(row["attributes"])[UNREADABLE].startswith(note)
    assert (row["service_name"], row["scope_name"]) == ("unknown_service", "")


def test_a_group_that_ends_as_another_is_judged_as_at_the_door():
    start_99, end_98 = b"\x9b\x06", b"\x94\x06"
    one = event(otlp.envelope(otlp.ids(), otlp.ids() + start_99 + end_98))
    assert check("traces", one.body, records_max=10, elements_max=100).rejected == 1
    assert decode([one]).quarantine["span_index"].to_pylist() == [1]
    same(decode([one]), walked([one]))


def test_what_stands_before_a_torn_end_is_kept():
    first, second = (request({"name": name}).SerializeToString() for name in ("whole", "torn"))
    got = decode([event(first + second[:-5])])
    assert [row["name"] for row in got.spans.to_pylist()] == ["whole"]
    assert [row["span_index"] for row in got.quarantine.to_pylist()] == [-1]


def test_json_that_does_not_read_is_quarantined_whole():
    got = decode([event(b'{"resourceSpans": 7}', content_type=JSON), event(request({}).SerializeToString(), 3)])
    assert got.spans.num_rows == 1
    (row,) = got.quarantine.to_pylist()
    assert (row["span_index"], row["bytes"]) == (-1, b'{"resourceSpans": 7}')
    assert "resourceSpans: expected an array" in row["reason"]


def test_a_json_span_that_does_not_fit_is_quarantined_alone_with_its_json():
    spans = [{"traceId": TRACE.hex(), "spanId": f"{n:016x}", "name": str(n)} for n in (1, 2, 3)]
    spans[1]["kind"] = "CLIENT"
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    got = decode([event(body, 5, content_type=JSON)])
    assert [(row["name"], row["span_index"]) for row in got.spans.to_pylist()] == [("1", 0), ("3", 2)]
    (row,) = got.quarantine.to_pylist()
    assert (row["source_seq"], row["span_index"], json.loads(row["bytes"])) == (5, 1, spans[1])
    assert "spans[1].kind: expected an integer, got 'CLIENT'" in row["reason"]


def test_a_value_set_twice_over_is_read_as_protobuf_says():
    kv = b"\x0a\x01k" + b"\x12\x05" + b"\x0a\x01s" + b"\x18\x05"  # string_value "s", then int_value 5
    made = request({})
    span = made.resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    body = made.SerializeToString()
    wider = span + b"\x4a" + bytes([len(kv)]) + kv
    assert only(rewrapped(body, span, wider))["attributes"] == [("k", "5")]


def with_value(value):
    """A request of one span whose attribute `k` has the AnyValue of these wire bytes."""
    attribute = otlp.field(9, otlp.field(1, b"k") + otlp.field(2, value))
    return otlp.envelope(otlp.ids(TRACE, SPAN) + attribute)


def array(*texts):
    return otlp.field(5, b"".join(otlp.field(1, otlp.field(1, text)) for text in texts))


def entries(key):
    return otlp.field(6, otlp.field(1, otlp.field(1, key) + otlp.field(2, otlp.field(1, b"v"))))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (array(b"a") + array(b"b", b"c"), '["a","b","c"]'),
        (entries(b"a") + entries(b"b"), '{"a":"v","b":"v"}'),
        (array() + array(), "[]"),
        (array(b"a") + entries(b"b"), '{"b":"v"}'),
        (array(b"a") + otlp.field(1, b"s") + array(b"b"), '["b"]'),
        (array() + otlp.field(1, b"s"), "s"),
    ],
)
def test_an_array_or_map_in_two_pieces_is_merged_as_protobuf_says(value, text):
    body = with_value(value)
    assert only(body)["attributes"] == [("k", text)]
    same(decode([event(body)]), walked([event(body)]))


@pytest.mark.parametrize(
    "value",
    [
        otlp.field(5, b"\x0a\x05\x0a") + array(b"x"),  # an element of five bytes where one is left, then a good array
        otlp.field(5, b"\x0a\x05\x0a") + otlp.field(5, b"\x03abc"),  # whole only when put together
        otlp.field(6, b"\x0a\x05\x0a") + entries(b"x"),
    ],
)
def test_a_length_beyond_the_message_around_it_is_broken_although_a_later_piece_would_hide_it(value):
    body = with_value(value)
    got = decode([event(body)])
    assert got.spans.num_rows == 0
    assert "field 1 says 5 bytes, 1 are left" in got.quarantine["reason"][0].as_py()
    same(got, walked([event(body)]))


def test_a_value_in_very_many_pieces_is_read_in_linear_time():
    body = with_value(array(b"a") * 100_000)
    assert only(body)["attributes"] == [("k", "[" + ",".join(['"a"'] * 100_000) + "]")]


def rewrapped(body, span, wider):
    """`body` with the only span replaced by `wider`; the lengths around it are written anew."""
    (found,) = span_slices(body)
    assert found.span == span
    scope_spans = b"\x0a" + bytes([len(found.scope)]) + found.scope + b"\x12" + bytes([len(wider)]) + wider
    group = b"\x0a" + bytes([len(found.resource)]) + found.resource + b"\x12" + bytes([len(scope_spans)]) + scope_spans
    return b"\x0a" + bytes([len(group)]) + group

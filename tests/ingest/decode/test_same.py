"""same_span: equal content however encoded; anything else is a conflict."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.decode import same_span
from tests.ingest.decode.made import CAPTURES, JSON, capture, event, request, requests
from tests.ingest.decode.test_decode import as_json, spans_of


def proto(*spans, **kwargs):
    return event(request(*spans, **kwargs).SerializeToString())


@pytest.mark.parametrize("name", CAPTURES)
def test_a_span_is_the_same_in_protobuf_and_json_and_no_other(name):
    body = capture(name)
    wire, text = event(body), event(as_json(body), content_type=JSON)
    count = len(spans_of(body))
    assert all(same_span((wire, n), (text, n)) for n in range(count))
    assert not any(same_span((wire, n), (text, (n + 1) % count)) for n in range(count) if count > 1)


def test_the_position_in_the_request_and_its_neighbours_do_not_matter():
    alone, second = proto({"name": "b", "span_id": b"b" * 8}), proto({"name": "a"}, {"name": "b", "span_id": b"b" * 8})
    assert same_span((alone, 0), (second, 1))


def test_the_order_of_attributes_does_not_matter_and_numbers_go_by_value():
    one = proto({"attributes": {"a": 1, "b": [1, 2]}})
    assert same_span((one, 0), (proto({"attributes": {"b": [1, 2], "a": 1}}), 0))
    assert not same_span((one, 0), (proto({"attributes": {"a": 1, "b": [2, 1]}}), 0))
    assert same_span((proto({"attributes": {"a": 1}}), 0), (proto({"attributes": {"a": 1.0}}), 0))
    assert not same_span((proto({"attributes": {"a": 1}}), 0), (proto({"attributes": {"a": True}}), 0))
    nan = proto({"attributes": {"x": float("nan")}})
    assert same_span((nan, 0), (proto({"attributes": {"x": float("nan")}}, resource={"service.name": "shop"}), 0))


@pytest.mark.parametrize(
    "other",
    [
        {"name": "other"},
        {"end_time_unix_nano": 9},
        {"attributes": {"k": 2}},
        {"attributes": {"k": True}},
        {"attributes": {"k": "1"}},
        {"attributes": {"k": 1, "l": 1}},
        {"status": 2},
        {"trace_state": "a=1"},
    ],
)
def test_any_difference_is_a_difference(other):
    assert not same_span((proto({"attributes": {"k": 1}}), 0), (proto({"attributes": {"k": 1}, **other}), 0))


def test_resource_scope_and_events_count():
    plain = proto({})
    assert not same_span((plain, 0), (proto({}, resource={"service.name": "till"}), 0))
    assert not same_span((plain, 0), (proto({}, scope="other"), 0))
    made = request({})
    made.resource_spans[0].scope_spans[0].spans[0].events.add(name="exception")
    assert not same_span((plain, 0), (event(made.SerializeToString()), 0))


def test_what_does_not_read_is_the_same_only_byte_by_byte():
    good = request({"name": "broken"}).SerializeToString()
    bad = good.replace(b"broken", b"\xff" * 6)
    assert same_span((event(bad), 0), (event(bad, 3), 0))
    assert not same_span((event(bad), 0), (event(good), 0))


@given(requests(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_span_is_the_same_after_shuffling_its_attributes(body, random):
    shuffled = ExportTraceServiceRequest.FromString(body)
    for group in shuffled.resource_spans:
        owners = [group.resource, *(span for scope in group.scope_spans for span in scope.spans)]
        for owner in owners:
            attributes = list(owner.attributes)
            random.shuffle(attributes)
            del owner.attributes[:]
            owner.attributes.extend(attributes)
    other = event(shuffled.SerializeToString())
    assert all(same_span((event(body), n), (other, n)) for n in range(len(spans_of(body))))

"""Events of metrics to rows, one a data point: every kind, and what cannot be read."""

import json
from collections import Counter

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from ingest.decode import decode, spans_in
from ingest.decode.points import POINTS_MAX
from ingest.notes import REPAIRED
from ledger.schema import ARROW
from tests.golden.variants import hex_ids
from tests.ingest.decode.made import JSON, attributes, put, set_value
from tests.ingest.decode.made_logs import METRIC_CAPTURES, metrics, metrics_event
from tests.ingest.otlp import envelope, field

KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def as_json(body):
    message = ExportMetricsServiceRequest.FromString(body)
    return json.dumps(hex_ids(MessageToDict(message, use_integers_for_enums=True))).encode()


def points_in(body):
    groups = ExportMetricsServiceRequest.FromString(body).resource_metrics
    found = [metric for group in groups for scope in group.scope_metrics for metric in scope.metrics]
    return sum(
        len(getattr(metric, metric.WhichOneof("data")).data_points) for metric in found if metric.WhichOneof("data")
    )


def point_of(kind, **fields):
    """A request of one metric with one data point, and the point."""
    asked, listed = metrics()
    metric = listed.add(name="tokens", unit="{token}")
    point = getattr(metric, kind).data_points.add(start_time_unix_nano=1, time_unix_nano=2)
    for name, value in fields.items():
        setattr(point, name, value)
    return asked, metric, point


def row_of(asked):
    (row,) = decode([metrics_event(asked.SerializeToString())]).metrics.to_pylist()
    return row


@pytest.mark.parametrize("name", METRIC_CAPTURES)
def test_every_point_of_a_sample_is_a_row_in_protobuf_as_in_json(name):
    body = METRIC_CAPTURES[name].read_bytes()
    got = decode([metrics_event(body)])
    got.metrics.validate(full=True)
    assert got.metrics.schema.equals(ARROW["metrics"], check_metadata=True)
    assert (got.metrics.num_rows, got.quarantine.num_rows) == (points_in(body), 0)
    assert decode([metrics_event(as_json(body), content_type=JSON)]).metrics.equals(got.metrics)


def test_claude_codes_cost_and_tokens_are_points_of_its_session():
    rows = decode([metrics_event(METRIC_CAPTURES["claude_code"].read_bytes())]).metrics.to_pylist()
    cost = [row for row in rows if row["name"] == "claude_code.cost.usage"]
    assert [(row["unit"], row["kind"], row["temporality"], row["is_monotonic"]) for row in cost] == [
        ("USD", "sum", "delta", True)
    ]
    assert cost[0]["value"] == pytest.approx(2 * 0.007401)
    tokens = {dict(row["attributes"])["type"]: row["value"] for row in rows if row["name"] == "claude_code.token.usage"}
    # two calls of 21 fresh, 1800 read, 188 written, 393 out
    assert tokens == {"input": 42, "cacheRead": 3600, "cacheCreation": 376, "output": 786}
    assert {row["conversation_id"] for row in rows} == {"c05f1967-f87d-4a84-8099-cdbd8ac7a9b0"}


def test_a_number_is_kept_as_it_was_sent():
    asked, metric, _ = point_of("sum", as_int=2**53 + 1)
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
    row = row_of(asked)
    assert (row["kind"], row["temporality"], row["is_monotonic"]) == ("sum", "cumulative", True)
    assert (row["value"], row["value_int"]) == (float(2**53), 2**53 + 1)
    assert (row["start_ns"], row["time_ns"], row["unit"]) == (1, 2, "{token}")
    row = row_of(point_of("gauge", as_double=0.5)[0])
    assert (row["kind"], row["temporality"], row["is_monotonic"]) == ("gauge", None, None)
    assert (row["value"], row["value_int"]) == (0.5, None)


def test_a_point_that_says_it_has_no_value_has_none():
    row = row_of(point_of("gauge", as_int=3, flags=1)[0])
    assert (row["value"], row["value_int"]) == (None, None)


def test_a_histogram_has_its_buckets():
    asked, _, point = point_of("histogram", count=3, sum=7.5, max=4.0)
    point.explicit_bounds.extend([1, 5])
    point.bucket_counts.extend([1, 2, 0])
    row = row_of(asked)
    assert (row["count"], row["sum"], row["min"], row["max"], row["value"]) == (3, 7.5, None, 4.0, None)
    assert (row["bounds"], row["counts"]) == ("[1.0,5.0]", "[1,2,0]")


def test_an_exponential_histogram_has_its_scale_and_offsets():
    asked, _, point = point_of("exponential_histogram", count=4, scale=3, zero_count=1)
    point.positive.offset = -2
    point.positive.bucket_counts.extend([1, 2])
    row = row_of(asked)
    assert json.loads(row["bounds"]) == {"scale": 3, "zero_threshold": 0.0, "positive_offset": -2, "negative_offset": 0}
    assert json.loads(row["counts"]) == {"zero": 1, "positive": [1, 2], "negative": []}


def test_a_summary_has_its_quantiles():
    asked, _, point = point_of("summary", count=2, sum=3.0)
    point.quantile_values.add(quantile=0.5, value=float("inf"))
    row = row_of(asked)
    assert (row["count"], row["sum"], row["bounds"], row["counts"]) == (2, 3.0, "[0.5]", '["Infinity"]')


def test_numbers_that_do_not_fit_are_clipped():
    asked, _, _ = point_of("histogram", count=2**64 - 1, time_unix_nano=2**64 - 1)
    row = row_of(asked)
    assert (row["count"], row["time_ns"]) == (2**63 - 1, 2**63 - 1)


def test_a_metric_that_does_not_read_is_quarantined_alone():
    asked, listed = metrics()
    for name in ("a", "broken", "b"):
        listed.add(name=name).gauge.data_points.add(as_int=1)
    body = asked.SerializeToString().replace(b"broken", b"caf\xe9\xff\xff")
    got = decode([metrics_event(body)])
    assert [(row["name"], row["point_index"]) for row in got.metrics.to_pylist()] == [("a", 0), ("b", 1)]
    (row,) = got.quarantine.to_pylist()
    assert row["span_index"] == 1
    assert "the metric does not read" in row["reason"]
    assert b"caf\xe9" in row["bytes"]


def test_a_bad_resource_costs_no_metric():
    asked, listed = metrics(resource={"service.name": "broken"})
    listed.add(name="a").gauge.data_points.add(as_int=1)
    (row,) = decode(
        [metrics_event(asked.SerializeToString().replace(b"broken", b"caf\xe9\xff\xff"))]
    ).metrics.to_pylist()
    assert row["service_name"].startswith("caf\ufffd")
    assert dict(row["resource"])[REPAIRED] == "attributes.service.name"


def test_a_metric_whose_json_does_not_fit_is_quarantined_alone():
    asked, listed = metrics()
    for name in "ab":
        listed.add(name=name).gauge.data_points.add(as_int=1)
    body = json.loads(as_json(asked.SerializeToString()))
    body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"] = 7
    got = decode([metrics_event(json.dumps(body).encode(), content_type=JSON)])
    assert got.metrics["name"].to_pylist() == ["b"]
    assert got.quarantine["span_index"].to_pylist() == [0]


def test_what_a_point_measured_and_when_is_its_identity_and_the_form_of_a_number_is_not():
    def identity(**fields):
        return row_of(point_of("gauge", **fields)[0])["content_hash"]

    assert identity(as_int=1) == identity(as_int=1)
    assert len({identity(as_int=1), identity(as_int=2), identity(as_int=1, time_unix_nano=9), identity()}) == 4


@st.composite
def requests(draw):
    asked, listed = metrics()
    for _ in range(draw(st.integers(0, 3))):
        metric = listed.add(name=draw(st.text(max_size=4)), unit=draw(st.text(max_size=4)))
        kind = draw(st.sampled_from(KINDS))
        data = getattr(metric, kind)
        data.SetInParent()
        if kind not in ("gauge", "summary"):
            data.aggregation_temporality = draw(st.sampled_from([0, 1, 2, 3, -1]))
        for _ in range(draw(st.integers(0, 2))):
            draw_point(draw, kind, data.data_points.add())
    return asked.SerializeToString()


def draw_point(draw, kind, point):
    point.time_unix_nano, point.flags = draw(st.integers(0, 2**64 - 1)), draw(st.integers(0, 2))
    if kind in ("gauge", "sum"):
        if draw(st.booleans()):
            point.as_int = draw(st.integers(-(2**63), 2**63 - 1))
        else:
            point.as_double = draw(st.floats())
    else:
        point.count, point.sum = draw(st.integers(0, 2**64 - 1)), draw(st.floats())
    if kind == "histogram":
        point.explicit_bounds.extend(draw(st.lists(st.floats(), max_size=3)))
        point.bucket_counts.extend(draw(st.lists(st.integers(0, 2**64 - 1), max_size=3)))
    for key, value in draw(attributes):
        set_value(point.attributes.add(key=key).value, value)


@given(st.lists(requests(), min_size=1, max_size=3))
@settings(max_examples=60)
def test_any_points_are_rows_that_depend_on_themselves_alone(bodies):
    events = [metrics_event(body, seq) for seq, body in enumerate(bodies)]
    got = decode(events).metrics
    got.validate(full=True)
    assert got.num_rows == sum(map(points_in, bodies))
    assert repr(got.to_pylist()) == repr([row for one in events for row in decode([one]).metrics.to_pylist()])


@given(st.binary(max_size=200) | st.builds(lambda a, b: a[: len(a) // 2] + b, requests(), st.binary(max_size=4)))
@settings(max_examples=100)
def test_any_bytes_end_as_rows_or_in_quarantine(body):
    got = decode([metrics_event(body)])
    got.metrics.validate(full=True)
    got.quarantine.validate(full=True)


def test_a_long_name_is_cut_where_many_points_repeat_it():
    asked, metric, point = point_of("gauge", as_int=1)
    metric.name = "x" * 1000
    put(point.attributes, {"k": "v"})
    assert row_of(asked)["name"] == "x" * 256


def test_of_a_request_that_would_unfold_without_end_the_first_points_are_listed_and_the_rest_named():
    """800 kB that hold 400,000 points of two bytes each."""
    points = field(5, b"\x0a\x00" * 400_000)
    asked, listed = metrics()
    listed.add(name="after").gauge.data_points.add(as_int=1)
    bomb = metrics_event(envelope(field(1, b"m") + points), 2)
    got = decode([bomb, metrics_event(asked.SerializeToString(), 3)])
    assert Counter(got.metrics["source_seq"].to_pylist()) == {2: POINTS_MAX, 3: 1}
    (row,) = got.quarantine.to_pylist()
    assert (row["source_seq"], row["span_index"]) == (2, -1)
    assert str(POINTS_MAX) in row["reason"]
    assert spans_in(bomb) >= 400_000


def test_points_of_every_kind_are_counted_before_they_are_decoded():
    for kind in KINDS:
        assert spans_in(metrics_event(point_of(kind)[0].SerializeToString())) >= 1 + 3  # with the lists around it

"""Events to rows: three decoders agree, one bad span harms no other, and no bytes are too odd."""

import base64
import json
import os
import random
import struct
from unittest import mock

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.decode import bodies, decode, fast, same_span
from ingest.decode.lenient import read_lenient
from ingest.decode.maps import RESOURCE_CUT
from ingest.decode.nested import NESTED_CUT, NESTED_DEPTH_MAX
from ingest.decode.rows import sheet_of
from ingest.decode.table import spans_table
from ingest.json_otlp import to_protobuf
from ingest.sheet import REPEATED_TEXT_MAX
from ledger.errors import Refused
from ledger.schema import ARROW
from tests.ingest.decode.made import CAPTURES, JSON, SPAN, capture, event, request, requests

BAD_UTF8 = b"caf\xe9"


def walked(events):
    with mock.patch.dict(os.environ, SPANLEDGER_DECODER="walk"):
        return decode(events)


def only(body, **kwargs):
    """The one row of a request of one span."""
    (row,) = decode([event(body if isinstance(body, bytes) else body.SerializeToString(), **kwargs)]).spans.to_pylist()
    return row


def same(a, b):
    assert a.spans.equals(b.spans), (a.spans.to_pylist(), b.spans.to_pylist())
    assert a.quarantine.equals(b.quarantine), (a.quarantine.to_pylist(), b.quarantine.to_pylist())


def broken_name(body, name=b"broken"):
    """`body` with the span name `broken` turned into no UTF-8."""
    assert name in body
    return body.replace(name, BAD_UTF8.ljust(len(name), b"\xff"))


# What every decoder gives


@pytest.mark.parametrize("name", CAPTURES)
def test_the_oracle_gives_the_same_rows_for_every_sample(name):
    fast = decode([event(capture(name))])
    same(fast, walked([event(capture(name))]))
    assert fast.spans.schema.equals(ARROW["spans"], check_metadata=True)
    fast.spans.validate(full=True)
    assert fast.spans.num_rows > 0
    assert fast.quarantine.num_rows == 0


@given(st.lists(requests(), max_size=3))
@settings(max_examples=80)
def test_the_oracle_gives_the_same_rows_for_any_request(bodies):
    events = [event(body, seq) for seq, body in enumerate(bodies)]
    fast = decode(events)
    same(fast, walked(events))
    fast.spans.validate(full=True)
    assert fast.spans.num_rows + fast.quarantine.num_rows == sum(len(spans_of(body)) for body in bodies)


@given(requests())
@settings(max_examples=50)
def test_the_repair_shop_gives_the_same_rows_for_what_needs_no_repair(body):
    rows, unread = read_lenient(0, body)
    assert unread == []
    if rows:
        assert spans_table(sheet_of(rows), [event(body)]).equals(decode([event(body)]).spans.combine_chunks())


@given(st.lists(requests() | st.sampled_from([capture(name) for name in CAPTURES]), max_size=4))
@settings(max_examples=30)
def test_a_batch_gives_what_its_events_give_one_by_one(bodies):
    events = [event(body, seq, tenant=f"t{seq % 2}") for seq, body in enumerate(bodies)]
    apart = [decode([one]) for one in events]
    together = decode(events)
    assert together.spans.to_pylist() == [row for one in apart for row in one.spans.to_pylist()]
    assert together.quarantine.to_pylist() == [row for one in apart for row in one.quarantine.to_pylist()]


@pytest.mark.parametrize("chunk_bytes", [1, 20_000])
def test_where_a_batch_is_cut_does_not_show(chunk_bytes, monkeypatch):
    events = [event(capture(name), seq) for seq, name in enumerate(CAPTURES)]
    whole = decode(events)
    monkeypatch.setattr(bodies, "CHUNK_BYTES", chunk_bytes)
    assert decode(events).spans.to_pylist() == whole.spans.to_pylist()


@pytest.mark.parametrize("name", ["openinference_openai", "strands_default", "pydantic_ai"])
def test_the_order_of_spans_in_a_request_does_not_change_them(name):
    request = ExportTraceServiceRequest.FromString(capture(name))
    for group in request.resource_spans:
        for scope_spans in group.scope_spans:
            shuffled = list(scope_spans.spans)
            random.Random(7).shuffle(shuffled)
            del scope_spans.spans[:]
            scope_spans.spans.extend(shuffled)
    before = decode([event(capture(name))]).spans.drop_columns(["span_index"]).to_pylist()
    after = decode([event(request.SerializeToString())]).spans.drop_columns(["span_index"]).to_pylist()
    key = {"key": lambda row: (row["trace_id"], row["span_id"])}
    assert sorted(after, **key) == sorted(before, **key)


def as_json(body):
    """`body` in OTLP/JSON: protobuf's own JSON with hex ids and integer enums."""
    tree = MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)
    groups = [scope for group in tree.get("resourceSpans", []) for scope in group.get("scopeSpans", [])]
    for span in (span for scope in groups for span in scope.get("spans", [])):
        for owner in (span, *span.get("links", [])):
            for key in ("traceId", "spanId", "parentSpanId"):
                if key in owner:
                    owner[key] = base64.b64decode(owner[key]).hex()
    return json.dumps(tree).encode()


@pytest.mark.parametrize("name", CAPTURES)
def test_json_gives_the_same_rows_as_protobuf(name):
    body = capture(name)
    same(decode([event(as_json(body), content_type=f"{JSON}; charset=utf-8")]), decode([event(body)]))


@given(requests())
@settings(max_examples=50)
def test_any_request_survives_json(body):
    wire, text = event(body), event(as_json(body), content_type=JSON)
    assert len(spans_of(to_protobuf("traces", text.body).wire)) == len(spans_of(body))
    assert all(same_span((wire, n), (text, n)) for n in range(len(spans_of(body))))
    assert decode([text]).spans.equals(decode([wire]).spans)


def spans_of(body):
    request = ExportTraceServiceRequest.FromString(body)
    return [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


# Ids, times, kinds


@pytest.mark.parametrize(
    "ids",
    [
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"trace_id": bytes(range(15))},
        {"span_id": b""},
        {"span_id": bytes(8)},
        {"span_id": bytes(range(16))},
        {"parent_span_id": b"\1"},
    ],
)
def test_a_span_with_a_bad_id_goes_to_quarantine_and_its_siblings_do_not(ids):
    made = request({"name": "a"}, {"name": "bad", **ids}, {"name": "b"})
    got = decode([event(made.SerializeToString(), 5)])
    assert [(row["name"], row["span_index"]) for row in got.spans.to_pylist()] == [("a", 0), ("b", 2)]
    (row,) = got.quarantine.to_pylist()
    assert (row["source_seq"], row["span_index"], row["tenant"]) == (5, 1, "default")
    assert row["bytes"] == made.resource_spans[0].scope_spans[0].spans[1].SerializeToString()
    assert "ids are not" in row["reason"]


@pytest.mark.parametrize(("parent", "expected"), [(b"", None), (bytes(8), None), (SPAN, SPAN)])
def test_no_parent_and_a_parent_of_zeros_are_a_root(parent, expected):
    assert only(request({"parent_span_id": parent}))["parent_span_id"] == expected


def test_times_beyond_the_year_2262_are_clipped():
    row = only(request({"start_time_unix_nano": 2**64 - 1, "end_time_unix_nano": 7}))
    assert (row["start_ns"], row["end_ns"]) == (2**63 - 1, 7)


def test_kinds_and_statuses_without_a_name_are_internal_and_unset():
    row = only(request({"kind": 99, "status": 3}))
    assert (row["span_kind"], row["status"]) == ("internal", "unset")


# Values


def test_attributes_become_text_and_arrays_and_maps_json():
    values = {
        "text": "a",
        "empty": "",
        "yes": True,
        "int": -7,
        "double": 0.0003369,
        "bytes": b"\x00\xff",
        "array": ["a", 1, 0.5, False, None, ["b"], {"k": b"\x01"}],
        "map": {"a": [], "b": {}},
        "odd": [float("nan"), float("-inf")],
        "unset": None,
    }
    assert dict(only(request({"attributes": values}))["attributes"]) == {
        "text": "a",
        "empty": "",
        "yes": "true",
        "int": "-7",
        "double": "0.0003369",
        "bytes": "AP8=",
        "array": '["a",1,0.5,false,null,["b"],{"k":"AQ=="}]',
        "map": '{"a":[],"b":{}}',
        "odd": '["NaN","-Infinity"]',
        "unset": None,
    }


def test_of_a_key_sent_twice_the_last_value_counts():
    made = request({"attributes": {"k": 1, "other": "x"}})
    made.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="k").value.int_value = 2
    assert only(made)["attributes"] == [("other", "x"), ("k", "2")]


def test_deep_nesting_is_cut_and_the_span_is_kept():
    value = "bottom"
    for _ in range(NESTED_DEPTH_MAX + 30):
        value = [value]
    row = only(request({"attributes": {"deep": value, "flat": "x"}}))
    deep = dict(row["attributes"])["deep"]
    assert deep == "[" * NESTED_DEPTH_MAX + f'"{NESTED_CUT}"' + "]" * NESTED_DEPTH_MAX
    assert dict(row["attributes"])["flat"] == "x"


def test_a_large_resource_is_not_repeated_for_every_span():
    made = request(*({} for _ in range(1_000)), resource={"service.name": "shop", "blob": "x" * 100_000})
    table = decode([event(made.SerializeToString())]).spans
    assert table.nbytes < 1_000_000
    row = table.slice(999).to_pylist()[0]
    assert row["service_name"] == "shop"
    assert dict(row["resource"]) == {RESOURCE_CUT: "100020 bytes, in the journal only"}


def test_a_long_name_of_a_group_is_cut():
    row = only(request({}, scope="s" * 1_000, resource={"service.name": "n" * 1_000}))
    assert (len(row["scope_name"]), len(row["service_name"])) == (REPEATED_TEXT_MAX, REPEATED_TEXT_MAX)


# Anything at all


@given(st.binary(max_size=300))
def test_any_bytes_end_as_rows_or_in_quarantine(body):
    for content_type in ("application/x-protobuf", JSON):
        decode([event(body, content_type=content_type)])


@given(requests(), st.data())
@settings(max_examples=60)
def test_any_damage_ends_as_rows_or_in_quarantine(body, data):
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4)) if body else 0):
        damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    good = request({"name": "good"}).SerializeToString()
    got = decode([event(bytes(damaged), 0), event(good, 1)])
    got.spans.validate(full=True)
    assert "good" in [row["name"] for row in got.spans.to_pylist() if row["source_seq"] == 1]


def test_a_corpus_of_poison_among_good_spans_loses_no_good_one():
    poison = [
        {"name": "broken"},
        {"trace_id": bytes(16)},
        {"start_time_unix_nano": 2**64 - 1},
        {"attributes": {"k" * 1_000_000: 1}},
        {"attributes": {"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": 2**60}},
        {"attributes": {"gen_ai.usage.cost": float("nan"), "operation.cost": 1e308}},
        {"attributes": {"gen_ai.usage.input_tokens": "9" * 5_000, "gen_ai.operation.name": ["chat"]}},
    ]
    spans = [{"name": f"good {n}"} if n % 10 else poison[n // 10 % len(poison)] for n in range(140)]
    body = broken_name(request(*spans, scope="gen_ai").SerializeToString())
    got = decode([event(body)])
    names = [row["name"] for row in got.spans.to_pylist()]
    assert [name for name in names if name.startswith("good")] == [f"good {n}" for n in range(140) if n % 10]
    assert got.quarantine["span_index"].to_pylist() == [10, 80]
    assert got.spans.num_rows == 138


def test_long_numbers_in_text_cost_nothing():
    row = only(request({"attributes": {"gen_ai.provider.name": "x", "gen_ai.usage.input_tokens": "9" * 1_000_000}}))
    assert row["input_tokens"] is None


def test_many_different_names_cost_no_more_than_their_number():
    spans = [{"attributes": {"operation.cost": n / 7, "gen_ai.provider.name": f"p{n}"}} for n in range(5_000)]
    table = decode([event(request(*spans).SerializeToString())]).spans
    assert len(set(table["provider"].to_pylist())) == 5_000


def test_a_panic_of_the_decoder_is_a_refusal(monkeypatch):
    panic = type("PanicException", (BaseException,), {})
    monkeypatch.setattr(fast, "handler", lambda _: mock.Mock(list_to_record_batch=mock.Mock(side_effect=panic)))
    assert only(request({"name": "a"}))["name"] == "a"


def test_a_decoder_nobody_knows_is_refused():
    with mock.patch.dict(os.environ, SPANLEDGER_DECODER="fast"), pytest.raises(Refused, match="ptars, walk"):
        decode([event(b"")])


def test_no_events_give_no_rows():
    assert decode([]).spans.num_rows == 0
    assert decode([event(b"")]).spans.num_rows == 0


def test_doubles_keep_their_shortest_text():
    value = struct.unpack("<d", struct.pack("<d", 0.1 + 0.2))[0]
    row = only(request({"attributes": {"operation.cost": value}}))
    assert dict(row["attributes"])["operation.cost"] == "0.30000000000000004"
    assert str(row["reported_cost_usd"]) == "0.300000000000"

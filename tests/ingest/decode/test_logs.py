"""Events of logs to rows: two decoders agree, one bad record harms no other, and the content is the identity."""

import json
import os
from unittest import mock

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from ingest.decode import decode
from ingest.decode.logs import logs_table
from ingest.decode.read_logs import lenient_logs
from ingest.door import check
from ingest.notes import REPAIRED, UNREADABLE
from ledger.schema import ARROW
from tests.conformance import poison
from tests.golden.variants import hex_ids
from tests.ingest.decode.made import JSON, SPAN, TRACE
from tests.ingest.decode.made_logs import CAPTURES, logs_event, only, request, requests, rows
from tests.ingest.otlp import as_log_attribute, envelope, field

BAD_UTF8 = b"caf\xe9\xff\xff"  # as long as `broken`


def walked(events):
    with mock.patch.dict(os.environ, SPANLEDGER_DECODER="walk"):
        return decode(events)


def same(a, b):
    assert a.logs.equals(b.logs), (a.logs.to_pylist(), b.logs.to_pylist())
    assert a.quarantine.equals(b.quarantine), (a.quarantine.to_pylist(), b.quarantine.to_pylist())


def as_json(body):
    message = ExportLogsServiceRequest.FromString(body)
    return json.dumps(hex_ids(MessageToDict(message, use_integers_for_enums=True))).encode()


def records_in(body):
    groups = ExportLogsServiceRequest.FromString(body).resource_logs
    return [record for group in groups for scope in group.scope_logs for record in scope.log_records]


# What every decoder gives


@pytest.mark.parametrize("name", CAPTURES)
def test_the_oracle_gives_the_same_rows_for_every_sample(name):
    events = [logs_event(CAPTURES[name].read_bytes())]
    fast = decode(events)
    same(fast, walked(events))
    fast.logs.validate(full=True)
    assert fast.logs.schema.equals(ARROW["logs"], check_metadata=True)
    assert fast.logs.num_rows == len(records_in(events[0].body))
    assert fast.quarantine.num_rows == 0


@pytest.mark.parametrize("name", CAPTURES)
def test_json_gives_the_same_rows_with_the_same_identities(name):
    body = CAPTURES[name].read_bytes()
    assert decode([logs_event(as_json(body), content_type=JSON)]).logs.equals(decode([logs_event(body)]).logs)


@given(st.lists(requests(), max_size=3))
@settings(max_examples=80)
def test_the_oracle_gives_the_same_rows_for_any_request(bodies):
    events = [logs_event(body, seq) for seq, body in enumerate(bodies)]
    fast = decode(events)
    same(fast, walked(events))
    fast.logs.validate(full=True)
    assert (fast.logs.num_rows, fast.quarantine.num_rows) == (sum(len(records_in(body)) for body in bodies), 0)


@given(requests())
@settings(max_examples=50)
def test_the_repair_shop_gives_the_same_rows_for_what_needs_no_repair(body):
    event = logs_event(body)
    sheet, unread = lenient_logs([body], [0])
    repaired = logs_table(sheet, [event]) if sheet else ARROW["logs"].empty_table()
    assert repaired.equals(decode([event]).logs)
    assert unread == []


@given(st.lists(requests(), min_size=2, max_size=3))
@settings(max_examples=40)
def test_a_row_does_not_depend_on_what_else_is_in_the_batch(bodies):
    events = [logs_event(body, seq) for seq, body in enumerate(bodies)]
    alone = [row for event in events for row in decode([event]).logs.to_pylist()]
    assert repr(decode(events).logs.to_pylist()) == repr(alone)


@given(st.binary(max_size=200) | st.builds(lambda a, b: a[: len(a) // 2] + b, requests(), st.binary(max_size=4)))
@settings(max_examples=150)
def test_any_bytes_end_as_rows_or_in_quarantine(body):
    same(decode([logs_event(body)]), walked([logs_event(body)]))


# One bad record never costs its neighbours


def test_text_that_is_no_utf8_is_repaired_and_noted_and_harms_no_other():
    body = request({"body": "good"}, {"body": "broken", "attributes": {"k": ["broken"]}}).SerializeToString()
    got = decode([logs_event(body.replace(b"broken", BAD_UTF8))])
    assert [row["body"][:3] for row in got.logs.to_pylist()] == ["goo", "caf"]
    assert dict(got.logs["attributes"][1].as_py())[REPAIRED] == "attributes.k, body"
    assert got.quarantine.num_rows == 0


def test_a_record_that_does_not_read_is_quarantined_alone():
    whole = request({"body": "a"}, {"event_name": "broken"}, {"body": "b"})
    record = whole.resource_logs[0].scope_logs[0].log_records[1].SerializeToString()
    torn = record.replace(b"\x62\x06broken", b"\x62\x7fbroken")  # the name says 127 bytes
    got = decode([logs_event(whole.SerializeToString().replace(record, torn))])
    assert [(row["body"], row["log_index"]) for row in got.logs.to_pylist()] == [("a", 0), ("b", 2)]
    (row,) = got.quarantine.to_pylist()
    assert (row["span_index"], row["bytes"]) == (1, torn)
    assert "the log record does not read" in row["reason"]


def test_a_record_whose_json_does_not_fit_is_quarantined_alone():
    body = json.loads(as_json(request({"body": "a"}, {"body": "b"}, {"body": "c"}).SerializeToString()))
    body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][1]["severityNumber"] = {"no": "number"}
    got = decode([logs_event(json.dumps(body).encode(), content_type=JSON)])
    assert got.logs["log_index"].to_pylist() == [0, 2]
    (row,) = got.quarantine.to_pylist()
    assert row["span_index"] == 1
    assert "resourceLogs[0].scopeLogs[0].logRecords[1].severityNumber" in row["reason"]


def test_json_that_is_no_request_is_quarantined_whole():
    (row,) = decode([logs_event(b'{"resourceLogs": 7}', content_type=JSON)]).quarantine.to_pylist()
    assert (row["span_index"], row["bytes"]) == (-1, b'{"resourceLogs": 7}')


def test_a_resource_that_does_not_read_is_missing_and_its_records_say_so():
    record = request({"body": "a"}).resource_logs[0].scope_logs[0].log_records[0].SerializeToString()
    group = field(1, b"\x0a\x7fx") + field(2, field(2, record))
    (row,) = decode([logs_event(field(1, group))]).logs.to_pylist()
    assert dict(row["attributes"])[UNREADABLE].startswith("resource: ")
    assert row["service_name"] == "unknown_service"


@pytest.mark.parametrize("name", poison.SPANS)
def test_what_poisons_a_span_costs_no_log_beside_it(name):
    good = request({"body": "a"}).resource_logs[0].scope_logs[0].log_records[0].SerializeToString()
    events = [logs_event(envelope(good, as_log_attribute(poison.SPANS[name][0]), good))]
    got = decode(events)
    same(got, walked(events))
    assert [row["log_index"] for row in got.logs.to_pylist() if row["body"] == "a"] == [0, 2]
    assert got.logs.num_rows + got.quarantine.num_rows == 3
    checked = check("logs", events[0].body, records_max=10, elements_max=10**6)
    assert checked.rejected <= got.quarantine.num_rows
    assert all(row["span_index"] == 1 and row["reason"] for row in got.quarantine.to_pylist())


def test_an_empty_record_is_a_log_all_the_same():
    (row,) = decode([logs_event(envelope(b""))]).logs.to_pylist()
    assert (row["event_name"], row["body"], row["time_ns"], row["severity"]) == ("", None, 0, None)


# Columns


def test_the_time_is_that_of_the_observation_where_it_was_not_sent():
    assert only({"observed_time_unix_nano": 7})["time_ns"] == 7
    row = only({"observed_time_unix_nano": 7, "time_unix_nano": 5})
    assert (row["time_ns"], row["observed_ns"]) == (5, 7)
    assert only({"time_unix_nano": 2**64 - 1})["time_ns"] == 2**63 - 1


@pytest.mark.parametrize("trace", [b"", bytes(16), b"\1"])
def test_ids_that_are_absent_zero_or_none_are_null(trace):
    row = only({"trace_id": trace, "span_id": trace[:8]})
    assert (row["trace_id"], row["span_id"]) == (None, None)
    row = only({"trace_id": TRACE, "span_id": SPAN})
    assert (row["trace_id"], row["span_id"]) == (TRACE, SPAN)


@pytest.mark.parametrize(
    ("number", "text", "severity"),
    [(0, "", None), (9, "", "INFO"), (18, "", "ERROR2"), (9, "notice", "notice"), (99, "", None)],
)
def test_severity_is_the_senders_word_else_the_standards(number, text, severity):
    assert only({"severity_number": number, "severity_text": text})["severity"] == severity


def test_an_event_has_the_name_of_its_field_else_of_its_attribute():
    assert only({"attributes": {"event.name": "a"}})["event_name"] == "a"
    assert only({"event_name": "b", "attributes": {"event.name": "a"}})["event_name"] == "b"


@pytest.mark.parametrize(
    ("body", "text"),
    [("a", "a"), (7, "7"), (True, "true"), ({"a": [1, None]}, '{"a":[1,null]}'), (b"\1", "AQ=="), (None, None)],
)
def test_a_body_is_text_and_json_where_it_has_structure(body, text):
    assert only({"body": body})["body"] == text


# Identity

FULL = {
    "trace_id": TRACE,
    "span_id": SPAN,
    "time_unix_nano": 1,
    "observed_time_unix_nano": 2,
    "severity_number": 9,
    "severity_text": "info",
    "event_name": "e",
    "body": "b",
    "attributes": {"k": "v", "n": 1},
}


def identity(record=FULL, **more):
    return only(record, **more)["content_hash"]


def test_the_order_of_attributes_and_the_form_of_numbers_do_not_count():
    assert identity({**FULL, "attributes": {"n": 1.0, "k": "v"}}) == identity()
    a, b = ({"service.name": "x", "n": 2}, {"n": 2.0, "service.name": "x"})
    assert identity(resource=a) == identity(resource=b)


@pytest.mark.parametrize(
    "change",
    [
        {"trace_id": SPAN + SPAN},
        {"span_id": b"otherone"},
        {"time_unix_nano": 3},
        {"observed_time_unix_nano": 3},
        {"severity_number": 10},
        {"severity_text": "inf"},
        {"event_name": "f"},
        {"body": "c"},
        {"body": {"b": 1}},
        {"attributes": {"k": "v"}},
        {"attributes": {"k": "v", "n": 2}},
        {"attributes": {"k": "v", "n": "1"}},
        {"attributes": {"k": "v", "n": True}},
        {"attributes": {"k": "v", "n": 1.5}},
        {"attributes": {"kv": "", "n": 1}},
    ],
)
def test_any_other_content_is_another_log(change):
    assert identity({**FULL, **change}) != identity()


def test_scope_resource_and_tenant_are_part_of_the_identity():
    body = request(FULL).SerializeToString()
    (other,) = decode([logs_event(body, tenant="other")]).logs.to_pylist()
    distinct = {
        identity(),
        identity(scope="other"),
        identity(resource={"service.name": "other"}),
        other["content_hash"],
    }
    assert len(distinct) == 4


def test_equal_records_of_one_request_have_equal_identities():
    assert len({row["content_hash"] for row in rows(FULL, FULL)}) == 1

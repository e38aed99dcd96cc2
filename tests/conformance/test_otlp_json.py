"""OTLP/JSON through the door, journal and poster to SQL: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding."""

import json
from collections.abc import Iterator, Mapping

import pytest

from ingest.notes import UNREADABLE
from tests.conformance import good, poison
from tests.conformance.books import Books, open_books
from tests.conformance.good import COST_USD
from tests.conformance.poison import BILLED, REJECTED, Fate

Fields = Mapping[str, object]


def attributes(**values: object) -> Fields:
    """The attributes of a good span, and these."""
    more = [{"key": key, "value": value} for key, value in values.items()]
    return {"attributes": [*good.json_span(bytes(16))["attributes"], *more]}  # type: ignore[misc]


TAKEN: Mapping[str, Fields] = {
    "plain": {},
    "parent": {"parentSpanId": "ABCDEF0123456789"},
    "numbers": {"startTimeUnixNano": good.START_NS, "endTimeUnixNano": good.END_NS},
    "points": {"startTimeUnixNano": float(good.START_NS), "kind": 3.0},
    "kind": {"kind": 3},
    "unknown keys": {"newField": {"a": [1]}, "trace_id": "00", "start_time_unix_nano": "x"},
    "values": attributes(
        bytes={"bytesValue": "AP8="},
        nan={"doubleValue": "NaN"},
        infinity={"doubleValue": "Infinity"},
        minus={"doubleValue": "-Infinity"},
        int={"intValue": "-7"},
        number={"intValue": 7},
        odd={"stringValue": "s", "unknown": 1},
    ),
    "nulls": {"events": None, "status": None, "parentSpanId": None, "links": None},
}
"""Case -> members of a span that is taken and billed."""


def request(case: str, members: Fields) -> bytes:
    spans = [good.json_span(good.trace_of(case)) | members]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}], "newField": 1}
    scope = {"scope": {"name": "s", "new_field": 1}, "spans": spans, "newField": {}}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}], "newField": [{}]}).encode()


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    with open_books(tmp_path_factory.mktemp("books")) as books:
        for case, members in TAKEN.items():
            books.send_as(case, "json", request(case, members))
        upper = json.dumps(good.json_span(good.trace_of("case")) | {"traceId": good.trace_of("case").hex().upper()})
        raw = {
            "case": upper.encode(),
            "twice": good.json_with(good.trace_of("twice"), b'"name":"first","name":"last"'),
        }
        for case, span in raw.items():
            books.send_as(case, "json", good.json_around(case, span, 0))
        books.send_as("mark", "json", b"\xef\xbb\xbf" + request("mark", {}))
        for case, (added, _) in poison.JSON_SPANS.items():
            name = f"poison {case}"
            books.send_as(name, "json", good.json_around(name, good.json_with(good.trace_of(f"bad {case}"), added), 2))
        bad = json.loads(request("resource", {}))
        bad["resourceSpans"][0]["resource"]["attributes"].append({"key": 7})
        books.send_as("resource", "json", json.dumps(bad).encode())
        books.post()
        yield books


def only(books: Books, case: str) -> dict[str, object]:
    (reply,) = books.replies[case, "json"]
    assert (reply.code, reply.partial, reply.body) == ("OK", False, b"{}")
    (row,) = books.of("spans", good.trace_of(case))
    assert [call["cost_usd"] for call in books.of("calls", good.trace_of(case))] == [COST_USD]
    return row


@pytest.mark.duty("J1")
def test_ids_are_hexadecimal_in_either_case(books: Books) -> None:
    assert only(books, "case")["span_id"] == "0000000000000001"
    assert only(books, "parent")["parent_span_id"] == "abcdef0123456789"


@pytest.mark.duty("J2a", "J2b", "J3")
@pytest.mark.parametrize("case", ["plain", "numbers", "points", "kind"])
def test_integers_come_as_text_or_number_with_a_point_too(books: Books, case: str) -> None:
    row = only(books, case)
    assert (row["start_ns"], row["end_ns"], row["span_kind"]) == (good.START_NS, good.END_NS, "client")


@pytest.mark.duty("J4", "J5")
def test_unknown_keys_are_ignored_at_every_level(books: Books) -> None:
    row = only(books, "unknown keys")
    assert (row["start_ns"], row["service_name"], row["scope_name"]) == (good.START_NS, "shop", "s")


@pytest.mark.duty("J6", "J7")
def test_values_are_what_they_say(books: Books) -> None:
    values = dict(only(books, "values")["attributes"])  # type: ignore[call-overload]
    wanted = {"bytes": "AP8=", "nan": "nan", "infinity": "inf", "minus": "-inf", "int": "-7", "number": "7", "odd": "s"}
    assert {key: values[key] for key in wanted} == wanted


@pytest.mark.duty("J8a")
def test_null_is_absence(books: Books) -> None:
    assert only(books, "nulls")["parent_span_id"] is None


@pytest.mark.duty("J8b")
def test_of_two_equal_keys_the_last_counts(books: Books) -> None:
    assert only(books, "twice")["name"] == "last"


@pytest.mark.duty("J8c")
def test_a_byte_order_mark_is_tolerated(books: Books) -> None:
    only(books, "mark")


REASONS: Mapping[str, tuple[str, str]] = {
    "kind-by-name": ("J3", "kind: expected an integer, got 'SPAN_KIND_CLIENT'"),
    "kind-half": ("J2b", "kind: expected an integer"),
    "arrays-10000": ("J8d", "nested deeper than"),
    "kind-5000-digits": ("J8e", "kind: expected an integer"),
    "start-5000-digits": ("J8e", "startTimeUnixNano: expected an integer"),
    "value-bytes-no-base64": ("J6", "bytesValue: expected base64"),
    "value-double-as-word": ("J7", "doubleValue: expected a number"),
    "trace-empty": ("J9", "ids are not 16 and 8 bytes"),
    "trace-base64": ("J1", "ids are not 16 and 8 bytes"),
}


@pytest.mark.parametrize(
    ("case", "reason"),
    [pytest.param(case, reason, marks=pytest.mark.duty(duty)) for case, (duty, reason) in REASONS.items()],
)
def test_a_span_that_does_not_fit_is_rejected_alone_and_the_reason_kept(books: Books, case: str, reason: str) -> None:
    (reply,) = books.replies[f"poison {case}", "json"]
    assert (reply.code, reply.rejected) == ("OK", 1)
    (seq,) = {row["source_seq"] for row in books.of("spans", good.trace_of(f"poison {case}"))}
    (row,) = books.quarantined(seq).values()
    assert (row["span_index"], reason in row["reason"]) == (1, True)


@pytest.mark.parametrize("case", poison.JSON_SPANS)
def test_the_neighbours_of_an_odd_span_are_billed(books: Books, case: str) -> None:
    fate = poison.JSON_SPANS[case][1]
    (reply,) = books.replies[f"poison {case}", "json"]
    assert (reply.code, reply.rejected) == ("OK", int(fate is REJECTED))
    calls = books.of("calls", good.trace_of(f"poison {case}"))
    assert [call["cost_usd"] for call in calls] == [COST_USD, COST_USD]
    own = books.of("spans", good.trace_of(f"bad {case}"))
    assert len(own) == (0 if fate is REJECTED else 1)
    if fate is BILLED:
        assert [call["cost_usd"] for call in books.of("calls", good.trace_of(f"bad {case}"))] == [COST_USD]


@pytest.mark.duty("G7")
def test_what_is_missing_of_a_resource_brings_a_warning_and_costs_no_span(books: Books) -> None:
    (reply,) = books.replies["resource", "json"]
    assert (reply.code, reply.rejected, reply.partial) == ("OK", 0, True)
    place = "resourceSpans[0].resource.attributes[1].key: expected text, got int"
    assert place in reply.message
    (row,) = books.of("spans", good.trace_of("resource"))
    assert dict(row["attributes"])[UNREADABLE] == place
    assert row["service_name"] == "shop"


def test_every_fate_of_the_corpus_occurs() -> None:
    assert {fate for _, fate in poison.JSON_SPANS.values()} == set(Fate) - {Fate.FOUND}

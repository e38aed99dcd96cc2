"""How many spans an event holds, told without decoding it: what a commit is cut by."""

from dataclasses import dataclass

from ingest.decode import spans_in
from tests.ingest import otlp


@dataclass(frozen=True)
class Event:
    body: bytes
    content_type: str = "application/x-protobuf"
    event_seq: int = 0
    received_ns: int = 0
    tenant: str = "default"
    kind: str = "otlp.traces"


def test_every_span_counts_and_the_lists_around_them() -> None:
    assert spans_in(Event(otlp.traces(7).SerializeToString())) == 7 + 2


def test_empty_spans_count_like_others() -> None:
    assert spans_in(Event(otlp.envelope(*[b""] * 1000))) == 1000 + 2


def test_attributes_and_long_values_do_not_count() -> None:
    span = otlp.ids() + otlp.string_attribute(b"key", b"\x12\x00" * 1000) * 20
    assert spans_in(Event(otlp.envelope(span))) == 1 + 2


def test_a_json_request_holds_at_most_as_many_spans_as_objects() -> None:
    body = otlp.JSON_REQUESTS["traces"]
    assert spans_in(Event(body, "application/json")) == 4


def test_bytes_that_are_no_request_hold_few() -> None:
    assert spans_in(Event(b"PAR1" * 1000)) <= 4000

"""Log records and data points are listed once each, whatever the batches, retries and kills."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import pyarrow as pa
import pytest

from ledger.journal.frame import Draft, Event
from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.post.rebuild import rebuild
from ledger.schema import ARROW
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from ledger.store.digest import digests
from ledger.store.options import StoreOptions
from tests.ledger.post import plain
from tests.ledger.post.plain import call, request, same_span
from tests.ledger.post.posted import ask, drain, journal

TABLES = {OTLP_LOGS: ("logs", "log_index"), OTLP_METRICS: ("metrics", "point_index")}


@dataclass(frozen=True)
class Decoded:
    spans: pa.Table = field(default_factory=ARROW["spans"].empty_table)
    logs: pa.Table = field(default_factory=ARROW["logs"].empty_table)
    metrics: pa.Table = field(default_factory=ARROW["metrics"].empty_table)
    quarantine: pa.Table = field(default_factory=ARROW["quarantine"].empty_table)


def decode(events: Sequence[Event]) -> object:
    """Spans as `plain` does; else each text in a body is a record, its content and so its identity."""
    kind = events[0].kind
    assert {event.kind for event in events} == {kind}
    if kind not in TABLES:
        return plain.decode(events)
    table, place = TABLES[kind]
    rows = [row(event, index, text, place) for event in events for index, text in enumerate(json.loads(event.body))]
    return Decoded(**{table: pa.Table.from_pylist(rows, schema=ARROW[table])})


def row(event: Event, index: int, text: str, place: str) -> dict[str, object]:
    """A text that begins with a digit is of the trace of that number."""
    trace = int(text[0]).to_bytes(16) if text[0].isdigit() else None
    return {
        "tenant": event.tenant,
        "trace_id": trace,
        "body": text,
        "name": text,
        "operation": "other",
        "attributes": [],
        "resource": [],
        "content_hash": identity(text, event.tenant),
        "received_ns": event.received_ns,
        "source_seq": event.event_seq,
        place: index,
    }


def identity(text: str, tenant: str) -> bytes:
    """Of texts with a `#` the first 8 bytes are equal: they collide in the index."""
    found = sha256(f"{tenant} {text}".encode()).digest()[:16]
    return bytes(8) + found[8:] if "#" in text else found


def logs(*texts: str, tenant: str = "default") -> Draft:
    return Draft(kind=OTLP_LOGS, body=json.dumps(texts).encode(), tenant=tenant, transport="grpc")


def points(*texts: str) -> Draft:
    return Draft(kind=OTLP_METRICS, body=json.dumps(texts).encode(), transport="grpc")


def post(data: DataDir, flush_rows: int = 50_000, **options: int) -> None:
    store = StoreOptions(flush_rows=flush_rows)
    poster = Poster(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options), store_options=store)
    drain(poster)
    poster.close()


COUNTS = "SELECT logs, points, spans, duplicates FROM events WHERE kind LIKE 'otlp.%' ORDER BY event_seq"
MIXED = (
    logs("a", "b", "a"),
    request(call(1, 1)),
    logs("b", "c", "1 of a trace"),
    points("a", "x"),
    logs("1 of a trace", "2", "#one", "#two"),
    points("x", "y", "y"),
    logs("#two", "#three", "c"),
    request(call(1, 2)),
    logs("a", "d"),
)
LISTED = [
    *((2, 0, 0, 1), (0, 0, 1, 0), (2, 0, 0, 1), (0, 2, 0, 0), (3, 0, 0, 1), (0, 1, 0, 2), (1, 0, 0, 2), (0, 0, 1, 0)),
    (1, 0, 0, 1),
]


@pytest.mark.parametrize("options", [{}, {"batch_events_max": 1}, {"batch_events_max": 2, "flush_rows": 1}])
def test_a_log_or_point_seen_before_is_counted_and_dropped(data: DataDir, options: dict[str, int]) -> None:
    """In one request, in another of the same commit, in hot rows and in files."""
    journal(data, *MIXED)
    post(data, **options)
    assert ask(data, COUNTS) == LISTED
    assert ask(data, "SELECT body FROM logs ORDER BY source_seq, log_index") == [
        *(("a",), ("b",), ("c",), ("1 of a trace",), ("2",), ("#one",), ("#two",), ("#three",), ("d",)),
    ]
    assert ask(data, "SELECT name FROM metrics ORDER BY source_seq, point_index") == [("a",), ("x",), ("y",)]


def test_two_that_collide_in_the_index_are_two(data: DataDir) -> None:
    journal(data, logs("#one"), logs("#two"), logs("#one", "#two"))
    post(data, batch_events_max=1)
    assert ask(data, COUNTS) == [(1, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 2)]


def test_equal_texts_of_two_tenants_are_two(data: DataDir) -> None:
    journal(data, logs("a"), logs("a", tenant="other"))
    post(data)
    assert ask(data, "SELECT tenant FROM logs ORDER BY ALL") == [("default",), ("other",)]


def test_a_commit_of_logs_alone_that_brings_none_is_a_commit(data: DataDir) -> None:
    journal(data, logs("a"), logs("a"), logs(), points())
    post(data, batch_events_max=1)
    assert ask(data, COUNTS) == [(1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0), (0, 0, 0, 0)]


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_batches_of_any_size_and_a_rebuild_give_equal_digests(data: DataDir, batch: int) -> None:
    journal(data, *MIXED * 3)
    post(data)
    expected = digests(data)
    again = DataDir(data.root, ledger_name="again")
    post(again, flush_rows=batch, batch_events_max=batch)
    assert digests(again) == expected
    rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=batch))
    assert digests(data) == expected


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_commit_lists_nothing_twice_and_misses_nothing(
    data: DataDir, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(data, *MIXED)
    post(data)
    expected, commit = digests(data), Catalog.commit
    for last in range(6):
        left = [last]

        def dying(catalog: Catalog, *, left: list[int] = left, **rows: object) -> None:
            if not left[0] and moment == "before":
                raise Killed
            commit(catalog, **rows)
            if not left[0]:
                raise Killed
            left[0] -= 1

        again = DataDir(data.root, ledger_name=f"killed-{last}")
        options = PosterOptions(batch_events_max=2)
        with monkeypatch.context() as patch:
            patch.setattr(Catalog, "commit", dying)
            poster = Poster(again, decode, same_span, clock=SystemClock(), options=options)
            with pytest.raises(Killed):
                drain(poster)
        poster._catalog.abandon()
        poster._reader.close()
        post(again, batch_events_max=2)
        assert digests(again) == expected


def test_an_event_that_cannot_be_decoded_is_quarantined_whole_and_its_neighbours_are_listed(data: DataDir) -> None:
    broken = Draft(kind=OTLP_LOGS, body=b"{", transport="grpc")
    journal(data, logs("a"), broken, logs("b"))
    post(data)
    assert ask(data, "SELECT body FROM logs ORDER BY ALL") == [("a",), ("b",)]
    assert ask(data, "SELECT span_index, bytes FROM quarantine") == [(-1, b"{")]

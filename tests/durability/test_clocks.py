"""Clocks that jump by a year, and clocks that lie: nothing is out of order, nothing hangs, and no charge is lost."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.collector import Collector, CollectorOptions
from ingest.decode import decode, same_span
from ledger.journal.append import JournalWriter
from ledger.journal.kinds import OTLP_TRACES
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post.poster import Poster
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock, SystemRng
from ledger.store.digest import digests
from ledger.store.options import StoreOptions
from ledger.store.snapshot import Snapshot
from queries.connect import connect
from spanledger.seed import price_book_seed
from tests.durability.load import CALL_USD, span
from tests.ingest.doors import Door

pytestmark = pytest.mark.slow

SECOND, YEAR = 10**9, 365 * 86_400 * 10**9
JUMPS_NS = (0, YEAR, -YEAR, 2 * YEAR, 0)
AT_ONCE_S = 2.0


@dataclass
class JumpingClock:
    """The wall clock is off by what the test says; the monotonic one never is."""

    off_ns: int = 0
    monotonic_off_ns: int = 0

    def now_ns(self) -> int:
        return time.time_ns() + self.off_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self.monotonic_off_ns


@dataclass
class World:
    """Collector and poster in this process, both on one clock."""

    data: DataDir
    clock: JumpingClock
    door: Door
    poster: Poster
    sent: int = 0

    def send(self, *times_ns: tuple[int, int]) -> None:
        request = ExportTraceServiceRequest()
        for start_ns, end_ns in times_ns:
            one = span(os.urandom(16), bytes(1) + os.urandom(7))  # the first of the calls, one of a model
            one.start_time_unix_nano, one.end_time_unix_nano = start_ns, end_ns
            request.resource_spans.add().scope_spans.add().spans.append(one)
        for transport in ("grpc", "http"):
            began = time.monotonic()
            assert self.door.export(transport, "traces", request.SerializeToString()).code == "OK"
            assert time.monotonic() - began < AT_ONCE_S
        self.sent += len(times_ns)

    def post(self) -> None:
        while self.poster.step():
            pass

    def ask(self, query: str) -> list[tuple[object, ...]]:
        connection = connect(self.data)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


@contextmanager
def world(data: DataDir, store: StoreOptions = StoreOptions(), off_ns: int = 0) -> Iterator[World]:
    clock = JumpingClock(off_ns)
    with JournalWriter.open(data, clock=clock, rng=SystemRng(), seed=[price_book_seed()]) as journal:
        options = CollectorOptions(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")
        door = Door(Collector(data, options, journal, clock=clock), journal)
        poster = Poster(data, decode, same_span, clock=clock, store_options=store)
        try:
            yield World(data, clock, door, poster)
        finally:
            poster.close()
            door.close()


def now() -> tuple[int, int]:
    return time.time_ns() - SECOND, time.time_ns()


def test_jumps_of_the_servers_clock_reorder_nothing_and_stop_nothing(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with world(data, StoreOptions(flush_rows=1)) as one:
        for off_ns in JUMPS_NS:
            one.clock.off_ns = off_ns
            one.send(now(), now())
            one.post()
        assert one.ask("SELECT count(*), sum(cost_usd) FROM calls") == [(one.sent, one.sent * CALL_USD)]
        received = events(data)
        assert all(earlier < later for earlier, later in pairwise(seq for seq, _ in received))
        assert all(earlier <= later for earlier, later in pairwise(ns for _, ns in received))
        assert received[-1][1] - received[0][1] >= 2 * YEAR
        segments_lie_in_the_day_of_their_receipt(data, dict(received))
        live = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == live


def events(data: DataDir) -> list[tuple[int, int]]:
    with JournalReader(data) as reader:
        return [(one.event_seq, one.received_ns) for one in reader.read(-1, events_max=1000, bytes_max=1 << 24)]


def segments_lie_in_the_day_of_their_receipt(data: DataDir, received: dict[int, int]) -> None:
    paths = Snapshot.take(data).segments("spans")
    assert len({path.parent.name for path in paths}) == 3, "the days before, a year on, and two"
    days = {datetime.fromtimestamp(ns // SECOND, UTC).date().isoformat() for ns in received.values()}
    assert {path.parent.name for path in paths} <= days


def test_a_server_that_is_behind_charges_at_its_receipt_and_one_that_is_ahead_at_the_end(tmp_path: Path) -> None:
    with world(DataDir(tmp_path), off_ns=-YEAR) as one:
        behind = now()
        one.send(behind)
        one.clock.off_ns = YEAR
        ahead = now()
        one.send(ahead)
        one.post()
        charged = one.ask(
            "SELECT DISTINCT s.end_ns, c.charged_at = s.end_time, c.charged_at = s.received_at "
            "FROM charges c JOIN calls k USING (call_id) JOIN spans s ON s.span_id = k.span_id ORDER BY 1"
        )
    assert charged == [(behind[1], False, True), (ahead[1], True, False)]


def test_files_go_and_rows_are_written_by_the_clock_that_never_jumps(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    options = StoreOptions(flush_age_s=30.0, replaced_keep_s=600.0, segment_fan_in=2)
    with world(data, options) as one:
        for n in range(2):
            one.clock.off_ns = 0
            one.send(now())
            one.post()
            one.clock.off_ns = (-1) ** n * YEAR
            one.post()
            assert one.poster._catalog._hot.rows, "a year of wall time is not half a minute"
            one.clock.monotonic_off_ns += 31 * SECOND
            one.post()
            assert not one.poster._catalog._hot.rows
        for _ in range(20):  # each look merges one group
            one.post()
        old = files(data)
        for off_ns in JUMPS_NS:
            one.clock.off_ns = off_ns
            one.post()
            assert files(data) == old, "a jump of the clock takes no file from its readers"
        one.clock.monotonic_off_ns += 601 * SECOND
        one.post()
        assert files(data) < old
        assert one.ask("SELECT count(*) FROM spans") == [(2,)]


def files(data: DataDir) -> set[str]:
    return {path.name for path in data.ledger.rglob("*.parquet")}


LIES = {
    "1970": (0, 0),
    "1970, one second": (1, SECOND),
    "the far future": (2**63 - 1, 2**63 - 1),
    "beyond 2262": (2**64 - 2, 2**64 - 1),
    "an end before the start": (now()[1], now()[1] - 3_600 * SECOND),
    "a start in 2262 and no end": (2**63 + 5, 0),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_span_whose_clock_lies_is_kept_and_charged_once(lie: str, tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with world(data) as one:
        one.send(LIES[lie], now())
        one.post()
        assert one.ask("SELECT count(*) FROM quarantine") == [(0,)]
        assert one.ask("SELECT count(*) FROM spans") == [(2,)]
        for view in ("calls", "charges", "cost_by_agent", "cost_by_model"):
            assert one.ask(f"SELECT count(*) > 0 FROM {view}") == [(True,)]
        assert one.ask("SELECT count(*), sum(model_calls) FROM runs") == [(2, 2)]
        assert one.ask("SELECT max(charged_at) <= now() + INTERVAL 6 MINUTE FROM charges") == [(True,)]
        live = digests(data)
    rebuild(data, decode, same_span, clock=SystemClock())
    assert digests(data) == live


def test_the_journal_holds_each_event_once(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with world(data) as one:
        for off_ns in JUMPS_NS:
            one.clock.off_ns = off_ns
            one.send(now())
        with JournalReader(data) as reader:
            kinds = [event.kind for event in reader.read(-1, events_max=1000, bytes_max=1 << 24)]
    assert kinds.count(OTLP_TRACES) == 2 * len(JUMPS_NS)

"""The poison corpus, one span among 100 good ones, over each transport, through the whole program to SQL and back."""

import gzip
import os
import random
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest
import zstandard

from ingest.collector import Addresses
from ingest.decode import decode
from ledger.journal.frame import Event
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.store.digest import digests
from queries.connect import connect
from tests.conformance import good, poison
from tests.conformance.books import open_books
from tests.conformance.good import COST_USD, SIBLINGS
from tests.conformance.poison import BILLED, FOUND, REJECTED, STORED, Fate
from tests.ingest.doors import JSON, PROTOBUF, Client, Reply
from tests.service import PROGRAM, Service, service, until

Row = dict[str, Any]
POSTED_S = 60.0


@dataclass(frozen=True)
class Dose:
    """A request with one poisoned span, and what has to become of that."""

    name: str
    transport: str
    body: bytes
    fate: Fate
    good: int = SIBLINGS

    @property
    def trace_id(self) -> bytes:
        """The trace of the good spans."""
        return good.trace_of(self.name)

    @property
    def bad_trace_id(self) -> bytes:
        return good.trace_of(f"{self.name} itself")


def doses() -> Iterator[Dose]:
    for transport in ("grpc", "http"):
        for name, (added, fate) in poison.SPANS.items():
            name = f"{transport} {name}"
            bad = good.span(good.trace_of(f"{name} itself")) + added
            yield Dose(name, transport, good.around(name, bad), fate)
        for name, (of, scope) in poison.GROUPS.items():
            name = f"{transport} group {name}"
            bad = good.span(good.trace_of(f"{name} itself"))
            body = good.around(name, bad, of=of or good.resource("good"), scope=scope)
            yield Dose(name, transport, body, BILLED)
    for name, (added, fate) in poison.JSON_SPANS.items():
        name = f"json {name}"
        bad = good.json_with(good.trace_of(f"{name} itself"), added)
        yield Dose(name, "json", good.json_around(name, bad), fate)


@dataclass
class Poisoned:
    """The program after it swallowed the corpus."""

    one: Service
    doses: list[Dose]
    replies: dict[str, Reply] = field(default_factory=dict)
    refusals: dict[tuple[str, str], Reply] = field(default_factory=dict)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    ended: int = -1
    tables: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def data(self) -> DataDir:
        return DataDir(self.one.data)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Poisoned]:
    with service(tmp_path_factory.mktemp("poisoned")) as one:
        one.start()
        done = Poisoned(one, list(doses()))
        done.before = pids(one)
        with closing(Client(Addresses(one.grpc, one.http))) as client:
            for dose in done.doses:
                done.replies[dose.name] = client.export(dose.transport, "traces", dose.body)
            for name, (transport, send) in refused(client).items():
                done.refusals[name, transport] = send()
            last = client.export("grpc", "traces", good.around("last", good.span(good.trace_of("last one"))))
            assert last.code == "OK"
        posted(one, len(done.doses) + 1)
        done.after = pids(one)
        done.ended = one.terminate()[0]
        done.tables = tables(done.data)
        yield done


def pids(one: Service) -> list[int]:
    return sorted(process.pid for process in one.members() if process.status() != psutil.STATUS_ZOMBIE)


def posted(one: Service, requests: int) -> None:
    def count() -> bool:
        with connect(DataDir(one.data)) as connection:
            found = connection.execute("SELECT count(*) FROM events WHERE kind = 'otlp.traces'").fetchall()
        return found == [(requests,)]

    until(count, POSTED_S, f"{requests} requests posted")


TABLES = {
    "good": "SELECT trace_id, count(*) AS spans, sum(c.cost_usd) AS cost_usd FROM spans JOIN calls AS c "
    "USING (trace_id, span_id) GROUP BY trace_id",
    "spans": "SELECT trace_id, count(*) AS spans FROM spans GROUP BY trace_id",
    "quarantine": "SELECT source_seq, span_index, reason, octet_length(bytes) AS size FROM quarantine",
    "events": "SELECT event_seq, raw_sha256, kind FROM events",
}


def tables(data: DataDir) -> dict[str, list[Row]]:
    with connect(data) as connection:
        return {name: connection.sql(query).to_arrow_table().to_pylist() for name, query in TABLES.items()}


def refused(client: Client) -> Mapping[str, tuple[str, Callable[[], Reply]]]:
    """What has to be refused for good, by name."""
    sends: dict[str, tuple[str, Callable[[], Reply]]] = {}

    def add(name: str, transport: str, body: bytes, encoding: str = "") -> None:
        content_type = JSON if transport == "json" else PROTOBUF
        headers = {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
        if encoding:
            sends[f"{name} {transport}"] = (transport, lambda: client.http("/v1/traces", body, headers))
        else:
            sends[f"{name} {transport}"] = (transport, lambda: client.export(transport, "traces", body))

    for transport in ("grpc", "http"):
        for name, body in poison.ENVELOPES.items():
            add(f"envelope {name}", transport, body)
        for name, bomb in poison.BOMBS.items():
            add(f"bomb {name}", transport, bomb(2_200_000))
    for name, body in poison.JSON_ENVELOPES.items():
        add(f"envelope {name}", "json", body)
    add("bomb brackets", "json", b"[" * 3_000_000)
    packers = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}
    for encoding, pack in packers.items():
        for transport in ("http", "json"):
            add(f"bomb {encoding}", transport, pack(bytes(65 << 20)), encoding)
    return sends


def wanted(dose: Dose) -> tuple[int, int]:
    """Rejected spans in the answer, and quarantined ones."""
    return {BILLED: (0, 0), STORED: (0, 0), REJECTED: (1, 1), FOUND: (0, 1)}[dose.fate]


def of_transport(poisoned: Poisoned, transport: str) -> list[Dose]:
    found = [dose for dose in poisoned.doses if dose.transport == transport]
    assert len(found) >= 45
    return found


@pytest.mark.duty("P1")
def test_every_good_sibling_is_stored_and_costs_what_it_costs(poisoned: Poisoned, transport: str) -> None:
    books = {row["trace_id"]: (row["spans"], row["cost_usd"]) for row in poisoned.tables["good"]}
    got = {dose.name: books.get(dose.trace_id.hex()) for dose in of_transport(poisoned, transport)}
    assert got == {dose.name: (SIBLINGS, SIBLINGS * COST_USD) for dose in of_transport(poisoned, transport)}


@pytest.mark.duty("P1")
def test_a_poisoned_span_that_can_be_read_is_stored_and_billed_where_its_money_can_be_read(
    poisoned: Poisoned, transport: str
) -> None:
    stored = {row["trace_id"]: row["spans"] for row in poisoned.tables["spans"]}
    costs = {row["trace_id"]: row["cost_usd"] for row in poisoned.tables["good"]}
    for dose in of_transport(poisoned, transport):
        one = dose.bad_trace_id.hex()
        assert stored.get(one, 0) == int(dose.fate in (BILLED, STORED)), dose.name
        if dose.fate is BILLED:
            assert costs[one] == COST_USD, dose.name
        elif dose.fate is STORED:
            assert costs.get(one) is None or Decimal(0) <= costs[one] < 10**6, dose.name


@pytest.mark.duty("P2", "G6c")
def test_the_answer_counts_what_is_quarantined_with_bytes_and_reason(poisoned: Poisoned, transport: str) -> None:
    seqs = {row["raw_sha256"]: row["event_seq"] for row in poisoned.tables["events"]}
    for dose in of_transport(poisoned, transport):
        reply, rows = poisoned.replies[dose.name], []
        digest = sha256(dose.body)
        seq = seqs.get(digest.hexdigest(), seqs.get(digest.digest()))
        rows = [row for row in poisoned.tables["quarantine"] if row["source_seq"] == seq]
        assert (reply.code, reply.rejected, len(rows)) == ("OK", *wanted(dose)), (dose.name, reply.message, rows)
        assert all(row["reason"] and row["size"] and row["span_index"] == SIBLINGS // 2 for row in rows), dose.name


@pytest.mark.duty("P4", "P5", "G8")
def test_what_is_no_request_or_would_unfold_without_end_is_refused_for_good(poisoned: Poisoned, transport: str) -> None:
    answers = {
        name: (reply.code, reply.retry_s) for (name, over), reply in poisoned.refusals.items() if over == transport
    }
    assert len(answers) >= 15
    for name, answer in answers.items():
        allowed = {"RESOURCE_EXHAUSTED"} if name.startswith("bomb") else {"INVALID_ARGUMENT"}
        assert answer[0] in allowed, (name, answer)
        assert answer[1] is None, name


@pytest.mark.duty("P3")
def test_no_process_ended_and_the_program_stops_in_order(poisoned: Poisoned) -> None:
    assert (poisoned.after, len(poisoned.after) >= 4) == (poisoned.before, True)
    assert poisoned.ended == 0
    assert "Traceback" not in poisoned.one.log.read_text()


@pytest.mark.duty("P3")
def test_rebuild_equals_live_after_poison(poisoned: Poisoned) -> None:
    live = digests(poisoned.data)
    command = [PROGRAM, "rebuild", "--data", str(poisoned.one.data)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    assert digests(poisoned.data) == live


def read_here(event: Event) -> bool:
    return event.transport == "grpc" or "json" in event.content_type


@pytest.mark.duty("P3")
def test_both_decoders_read_the_poisoned_journal_alike(poisoned: Poisoned) -> None:
    """Of the two transports that carry the same protobuf, what came by one of them."""
    with JournalReader(poisoned.data) as reader:
        events, after = [], -1
        while batch := reader.read(after, events_max=100, bytes_max=8 << 20):
            events += [event for event in batch if event.kind == "otlp.traces" and read_here(event)]
            after = batch[-1].event_seq
    assert len(events) == 1 + sum(dose.transport != "http" for dose in poisoned.doses)
    fast = decode(events)
    with mock.patch.dict(os.environ, SPANLEDGER_DECODER="walk"):
        walked = decode(events)
    assert fast.quarantine.equals(walked.quarantine)
    assert fast.spans.equals(walked.spans)


def test_every_fate_of_the_corpus_occurs() -> None:
    assert {fate for _, fate in poison.SPANS.values()} == set(Fate)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_mixtures_of_the_corpus_and_of_damage_lose_no_good_span(tmp_path: Path, seed: int) -> None:
    """Several poisons in a request, and one byte of the bad spans changed at random, in process: 20 x 100 requests."""
    chance = random.Random(seed)
    bodies = [mixture(chance, f"{seed} {number}") for number in range(100)]
    with open_books(tmp_path) as books:
        for number, body in enumerate(bodies):
            assert books.send_as(str(number), chance.choice(("grpc", "http")), body).code == "OK"
        books.post()
    for number in range(100):
        calls = [call for call in books.of("calls", good.trace_of(f"{seed} {number}")) if call["cost_usd"] == COST_USD]
        assert len(calls) == SIBLINGS, (seed, number)


def mixture(chance: random.Random, name: str) -> bytes:
    spans = [good.span(good.trace_of(name), number) for number in range(SIBLINGS)]
    for number in range(chance.randint(1, 5)):
        added, _ = poison.SPANS[chance.choice(list(poison.SPANS))]
        bad = bytearray(good.span(good.trace_of(f"{name} bad {number}"), number) + added)
        # The first 18 bytes are the trace id: were it changed into a good span's, that would be another span's content.
        bad[chance.randrange(18, len(bad))] = chance.randrange(256)
        spans.insert(chance.randrange(len(spans)), bytes(bad))
    return good.group(spans, good.resource("good"))

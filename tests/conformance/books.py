"""Requests sent to a real collector over real sockets, into a real journal, posted, and read through the SQL views."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.collector import Collector, CollectorOptions
from ingest.decode import decode, same_span
from ledger.books.book import seed_body
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post.poster import Poster
from ledger.seams import SystemClock, SystemRng
from tests.golden.variants import otlp_json
from tests.ingest.doors import Door, Reply
from tests.shown import shown

Row = dict[str, Any]
TRANSPORTS = ("grpc", "http", "json")
TABLES = ("spans", "calls", "charges", "runs", "quarantine", "conflicts", "events", "call_views")


@dataclass
class Books:
    """What was sent, and what became of it."""

    data: DataDir
    door: Door
    replies: dict[tuple[str, str], list[Reply]] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def send(self, name: str, transport: str, body: bytes) -> Reply:
        """Send a protobuf request, as JSON where `transport` says so."""
        return self.send_as(name, transport, otlp_json(body) if transport == "json" else body)

    def send_as(self, name: str, transport: str, body: bytes) -> Reply:
        """Send `body` as it is."""
        reply = self.door.export(transport, "traces", body)
        self.replies.setdefault((name, transport), []).append(reply)
        return reply

    def post(self) -> None:
        """Post all that was sent, and read the views."""
        poster = Poster(self.data, decode, same_span, clock=SystemClock())
        try:
            while poster.step():
                pass
        finally:
            poster.close()
        with shown(self.data) as connection:
            self.tables = {
                name: connection.sql(f"SELECT * FROM {name}").to_arrow_table().to_pylist() for name in TABLES
            }

    def of(self, table: str, trace_id: bytes) -> list[Row]:
        """Rows of a view that belong to a trace, in the order of their spans."""
        found = [row for row in self.tables[table] if row["trace_id"] == trace_id.hex()]
        return sorted(found, key=lambda row: str(row.get("span_id")))

    def body(self, source_seq: int) -> bytes:
        """The bytes of an event, as the journal has them."""
        with JournalReader(self.data) as reader:
            return reader.get(source_seq).body

    def quarantined(self, source_seq: int) -> Mapping[int, Row]:
        return {row["span_index"]: row for row in self.tables["quarantine"] if row["source_seq"] == source_seq}


@contextmanager
def open_books(root: Path) -> Iterator[Books]:
    data = DataDir(root / "data")
    seed = Draft(kind=PRICE_BOOK_PUBLISHED, body=seed_body(), key="price_book:seed")
    with JournalWriter.open(data, clock=SystemClock(), rng=SystemRng(), seed=[seed]) as journal:
        options = CollectorOptions(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")
        door = Door(Collector(data, options, journal, clock=SystemClock()), journal)
        try:
            yield Books(data, door)
        finally:
            door.close()

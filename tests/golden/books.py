"""Books made in this process: requests appended to a real journal, posted, and read through the public SQL views."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ingest.decode import decode, same_span
from ledger.books.book import seed_body
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_TRACES, PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.post.poster import Poster
from ledger.seams import SystemRng
from tests.golden.samples import PROTOBUF

RECEIVED_NS = 1_795_000_000 * 10**9  # 2026-11-18: later than every sample, so that no price depends on today
JSON = "application/json"


@dataclass
class StillClock:
    """A clock that moves on by a millisecond whenever somebody looks."""

    ns: int = field(default=RECEIVED_NS)

    def now_ns(self) -> int:
        self.ns += 10**6
        return self.ns

    def monotonic_ns(self) -> int:
        return self.now_ns()


def traces(body: bytes, content_type: str = PROTOBUF) -> Draft:
    return Draft(kind=OTLP_TRACES, body=body, transport="grpc", content_type=content_type)


def keep(root: Path, drafts: Sequence[Draft]) -> DataDir:
    """A data directory whose journal holds `drafts`, all posted."""
    data, clock = DataDir(root), StillClock()
    seed = [Draft(kind=PRICE_BOOK_PUBLISHED, body=seed_body(), key="price_book:seed")]
    writer = JournalWriter.open(data, clock=clock, rng=SystemRng(), seed=seed)
    try:
        for draft in drafts:
            writer.append(draft)
    finally:
        writer.close()
    poster = Poster(data, decode, same_span, clock=clock)
    try:
        while poster.step():
            pass
    finally:
        poster.close()
    return data


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    table = connection.sql(sql).to_arrow_table()
    return list(table.to_pylist())

"""What one batch adds to the ledger, gathered until it is committed."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ledger.books.periods import Periods
from ledger.calls.columns import starts
from ledger.journal.frame import Event
from ledger.post.conversations import Conversations
from ledger.post.metered import Metered
from ledger.schema import ARROW
from ledger.store.unsettled import Trace


class Batch:
    """Rows, trace pairs and control keys of the events of one commit."""

    def __init__(
        self, events: Sequence[Event], conversations: Conversations, metered: Metered, periods: Periods
    ) -> None:
        self.conversations, self.metered, self._periods = conversations, metered, periods
        self._events = events
        self._seqs = np.array([event.event_seq for event in events], dtype=np.int64)
        self._parts: dict[str, list[pa.Table]] = defaultdict(list)
        self._hashes: list[np.ndarray] = []
        self._hash_seqs: list[np.ndarray] = []
        self._new = {records: np.zeros(len(events), dtype=np.int64) for records in ("spans", "logs", "points")}
        self._duplicates = np.zeros(len(events), dtype=np.int64)
        self.listed: dict[str, set[bytes]] = defaultdict(set)
        """Table -> identities of its rows that this batch brings, of tables whose rows are known by their content."""
        self._void: set[int] = set()
        self.keys: dict[str, int] = {}
        self.touched: dict[Trace, int | None] = {}
        """What is left to be settled (store.unsettled.put)."""

    def add(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self._parts[table].append(rows)

    def add_traces(self, hashes: np.ndarray, seqs: np.ndarray) -> None:
        self._hashes.append(hashes)
        self._hash_seqs.append(seqs)

    def count(self, new: np.ndarray, duplicates: np.ndarray, records: str = "spans") -> None:
        """Note new and repeated `records` (spans, logs or points) by their events."""
        for counts, seqs in ((self._new[records], new), (self._duplicates, duplicates)):
            counts += np.bincount(np.searchsorted(self._seqs, seqs), minlength=len(counts))

    def void(self, event_seq: int) -> None:
        """Note a control event whose key was posted before: it has no effect."""
        self._void.add(event_seq)

    def traces(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct (hash, event) pairs: of the traces of new spans, of new runs, logs and data points, and of whom
        views or metrics tell."""
        pairs = [*zip(self._hashes, self._hash_seqs, strict=True), *self.metered.pairs]
        if not pairs:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        hashes, seqs = (np.concatenate(column) for column in zip(*pairs, strict=True))
        order = np.lexsort((seqs, hashes))
        hashes, seqs = hashes[order], seqs[order]
        first = starts(hashes, seqs)
        return hashes[first], seqs[first]

    def rows(self) -> dict[str, pa.Table]:
        """Table name -> rows to commit."""
        rows = {name: pa.concat_tables(parts) for name, parts in self._parts.items()}
        if "charges" in rows:
            rows["charges"] = self._with_recorded(rows["charges"])
        rows["events"] = self._event_rows()
        return rows

    def _with_recorded(self, charges: pa.Table) -> pa.Table:
        received = np.array([event.received_ns for event in self._events], dtype=np.int64)
        at = np.searchsorted(self._seqs, charges["event_seq"].to_numpy())
        seqs, charged = charges["event_seq"].to_numpy(), charges["charged_ns"].to_numpy()
        found = {
            "recorded_ns": pa.array(received[at]),
            "accounting_ns": self._periods.accounting_ns(charged, received[at], seqs),
        }
        schema = ARROW["charges"]
        return pa.table([found.get(name, charges[name]) for name in schema.names], schema=schema)

    def _event_rows(self) -> pa.Table:
        events = self._events
        columns: dict[str, object] = {
            name: [getattr(event, name) for event in events]
            for name in ("event_seq", "kind", "key", "tenant", "principal", "transport", "content_type", "received_ns")
        }
        columns["body_bytes"] = [len(event.body) for event in events]
        columns["raw_sha256"] = [event.raw_sha256 for event in events]
        columns |= self._new | {"duplicates": self._duplicates}
        columns["effective"] = [event.event_seq not in self._void for event in events]
        schema = ARROW["events"]  # without the type pyarrow looks for pandas, each time anew
        return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def quarantined(event: Event, reason: str) -> pa.Table:
    """schema.QUARANTINE of a whole event."""
    row = (event.tenant, event.event_seq, -1, reason, event.body)
    return pa.table([[value] for value in row], schema=ARROW["quarantine"])

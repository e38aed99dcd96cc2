"""Posting of log records and data points of metrics: they are listed, each once.

They have no ids, so the hash of their decoded content is their identity: the same again, in one request or in another,
is a duplicate, dropped and counted. The index of known traces says which events may have brought it, and the rows of
these events say whether they did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.journal import kinds
from ledger.journal.frame import Event
from ledger.post.batch import Batch
from ledger.post.telemetry import Decode, decoded
from ledger.store.catalog import Catalog
from ledger.store.traces import content_hashes, log_trace_hashes


@dataclass(frozen=True)
class Listed:
    """A table of what has no ids."""

    table: str
    records: str
    """Column of `events` that counts them."""


LISTED: Mapping[str, Listed] = {
    kinds.OTLP_LOGS: Listed("logs", "logs"),
    kinds.OTLP_METRICS: Listed("metrics", "points"),
}


class Listing:
    """Lists the records of events of the kinds LISTED. Remembers nothing: the catalog does."""

    def __init__(self, catalog: Catalog, decode: Decode) -> None:
        self._catalog, self._decode = catalog, decode

    def post(self, kind: str, events: Sequence[Event], batch: Batch) -> pa.Table:
        """List what `events`, all of `kind`, bring for the first time, and give these rows."""
        listed = LISTED[kind]
        rows = decoded(self._decode, events, batch, listed.table)
        if not rows.num_rows:
            return rows
        fresh = self._fresh(listed.table, rows, batch.listed[listed.table])
        seqs = rows["source_seq"].to_numpy()
        new = rows if fresh.all() else rows.filter(pa.array(fresh))
        batch.add(listed.table, new)
        batch.add_traces(content_hashes(new["content_hash"]), seqs[fresh])
        if "trace_id" in new.column_names:
            traced = new.select(["tenant", "trace_id", "source_seq"]).drop_null()
            hashes = log_trace_hashes(traced["tenant"], traced["trace_id"])
            batch.add_traces(hashes, traced["source_seq"].to_numpy())
        batch.count(seqs[fresh], seqs[~fresh], listed.records)
        return new

    def _fresh(self, table: str, rows: pa.Table, seen: set[bytes]) -> np.ndarray:
        """Which of `rows` never came before. `seen`: identities of this batch, to which those of `rows` are added."""
        before = self._known(table, rows["content_hash"])
        fresh = np.zeros(rows.num_rows, dtype=np.bool_)
        for at, identity in enumerate(rows["content_hash"].to_pylist()):
            fresh[at] = identity not in before and identity not in seen
            seen.add(identity)
        return fresh

    def _known(self, table: str, identities: pa.ChunkedArray) -> set[bytes]:
        """Identities that were committed by the events which, as the index says, may have brought one of these."""
        _, events = self._catalog.probe(content_hashes(identities))
        if not len(events):
            return set()
        return set(self._catalog.read_events(table, events, ["content_hash"])["content_hash"].to_pylist())

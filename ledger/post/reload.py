"""Bring back traces that were forgotten, from the ledger's own rows.

Decisions are a function of the spans and their order, so they are made anew; only the events that wrote the placements
and bookings in force are read, because corrections name them.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.booking import ENTRIES, REVERSAL
from ledger.calls.forest import NewSpans
from ledger.post.intake import READ, halves, intake
from ledger.post.open_traces import OpenTraces, Outcome
from ledger.post.pricing import PRICED_FROM, BookAt, attach
from ledger.store.catalog import Catalog
from ledger.store.traces import trace_hashes

_SPANS = tuple(dict.fromkeys((*READ, *PRICED_FROM)))
"""Not the content, nor the attributes: a trace may hold gigabytes of them."""
_PLACED = ("tenant", "trace_id", "source_seq", "span_index", "event_seq")
_CHARGED = ("tenant", "trace_id", "span_id", "call_span_id", "entry", "event_seq", "line")


def reload(catalog: Catalog, open_traces: OpenTraces, spans: pa.Table, wanted: NewSpans, book_at: BookAt) -> None:
    """Open every trace of `spans` (columns of `wanted`) that the ledger knows and memory does not."""
    closed = np.flatnonzero(open_traces.forest.find_traces(wanted.tenant, wanted.trace_hi, wanted.trace_lo) < 0)
    if not len(closed):
        return
    keys = spans.select(["tenant", "trace_id"]).take(pa.array(closed))
    hits, seqs = catalog.probe(trace_hashes(keys["tenant"], keys["trace_id"]))
    if not len(hits):
        return
    known = keys.take(pa.array(np.unique(hits)))
    _restore(catalog, open_traces, known, np.unique(seqs).tolist(), book_at)


def _restore(catalog: Catalog, open_traces: OpenTraces, known: pa.Table, seqs: Sequence[int], book_at: BookAt) -> None:
    ids = known["trace_id"].unique().to_pylist()
    spans = _only(catalog.read("spans", ids, seqs, _SPANS), known)
    if not spans.num_rows:
        return  # the hash of another trace
    spans = spans.sort_by([("source_seq", "ascending"), ("span_index", "ascending")])
    new = intake(spans, open_traces.texts)
    attach(new, spans, open_traces.lines, book_at)
    open_traces.fold(new, Outcome())
    _recall_placed(open_traces, new, _only(catalog.read("placements", ids, seqs, _PLACED), known))
    _recall_booked(open_traces, _only(catalog.read("charges", ids, seqs, _CHARGED), known))


def _only(rows: pa.Table, known: pa.Table) -> pa.Table:
    """Rows whose (tenant, trace_id) is among `known`."""
    pairs = set(zip(known["tenant"].to_pylist(), known["trace_id"].to_pylist(), strict=True))
    keys = zip(rows["tenant"].to_pylist(), rows["trace_id"].to_pylist(), strict=True)
    return rows.filter(pa.array([key in pairs for key in keys], type=pa.bool_()))


def _rows_of(open_traces: OpenTraces, table: pa.Table) -> np.ndarray:
    trace = halves(table["trace_id"])
    tenant = open_traces.texts.tenant.codes(table["tenant"]).astype(np.int64)
    return open_traces.forest.find_traces(tenant, trace[:, 0], trace[:, 1])


def _recall_placed(open_traces: OpenTraces, spans: NewSpans, placed: pa.Table) -> None:
    """The event that wrote the placement in force of each of `spans`: the last, for each puts the one before out."""
    forest, own = open_traces.forest, spans.own
    rows = forest.find(forest.find_traces(spans.tenant, spans.trace_hi, spans.trace_lo), spans.span)
    events = np.unique(own["source_seq"])
    places = _places(events, own["source_seq"], own["span_index"])  # rising: `spans` lie in journal order
    at = np.searchsorted(places, _places(events, placed["source_seq"].to_numpy(), placed["span_index"].to_numpy()))
    forest.nodes["p_seq"][rows] = -1
    np.maximum.at(forest.nodes["p_seq"], rows[at], placed["event_seq"].to_numpy())


def _places(events: np.ndarray, source_seq: np.ndarray, span_index: np.ndarray) -> np.ndarray:
    """The place of a span in the journal as one number; `events`: every source_seq there is, rising."""
    places: np.ndarray = (np.searchsorted(events, source_seq) << 32) + span_index
    return places


def _recall_booked(open_traces: OpenTraces, charged: pa.Table) -> None:
    """The event and first line of the last booking of each call."""
    charged = charged.filter(pc.not_equal(charged["entry"], ENTRIES[REVERSAL]))
    forest = open_traces.forest
    calls = pc.coalesce(charged["call_span_id"], charged["span_id"])
    rows = forest.find(_rows_of(open_traces, charged), halves(calls)[:, 0])
    seq, line = charged["event_seq"].to_numpy(), charged["line"].to_numpy()
    order = np.lexsort((-line, seq))  # of what is written to a row several times the last stays
    forest.nodes["b_seq"][rows[order]], forest.nodes["b_first"][rows[order]] = seq[order], line[order]

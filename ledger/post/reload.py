"""Bring back traces that were forgotten, from the ledger's own rows.

Decisions are a function of the spans and their order, so they are made anew; only the events that wrote the placements
and bookings in force are read, because corrections name them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.booking import ENTRIES, REVERSAL
from ledger.calls.forest import NewSpans
from ledger.calls.rules import REASONS, RUN_BY_CONVERSATION, RUN_RULES, SETTLED_ANEW, TOLD_BY_VIEWS
from ledger.column import ID
from ledger.post.intake import halves, intake
from ledger.post.log_views import LOG_COLUMNS, OF_SPANS, VIEWS, log_views, span_views
from ledger.post.open_traces import OpenTraces, Outcome
from ledger.post.pricing import attach
from ledger.post.reading_views import READING_COLUMNS, reading_views
from ledger.post.residuals import RESIDUAL_COLUMNS, residual_views
from ledger.post.tariffs import Tariffs
from ledger.schema import ARROW, TEXT, TRACE_ID
from ledger.store.catalog import Catalog
from ledger.store.traces import name_hashes, trace_hashes

_SPANS = OF_SPANS
"""Not the content, nor the attributes: a trace may hold gigabytes of them."""
_KEY = ("tenant", "trace_id")
_PLACED = ("tenant", "trace_id", "source_seq", "span_index", "event_seq", "reason")
_TALKING = ("tenant", "trace_id", "run_id", "run_rule", "elsewhere", "talk_run_id")
_CHARGED = ("tenant", "trace_id", "span_id", "call_trace_id", "call_span_id", "entry", "event_seq", "line")

ViewsOf = Callable[[int], pa.Table]
"""log_views.VIEWS of an event, decoded anew."""


@dataclass(frozen=True)
class Names:
    """What views may share with those of other traces, by position: tenant (text), its code, the hash of the response
    (0: none), and that of what stands apart (calls.apart; 0: does not)."""

    tenant: pa.Array
    code: np.ndarray
    response: np.ndarray
    moment: np.ndarray

    @classmethod
    def of(cls, views: pa.Table, new: NewSpans) -> "Names":
        """Of `views` as taken in as `new`."""
        return cls(views["tenant"].combine_chunks(), new.tenant, new.own["response"], new.own["moment"])

    def hashes(self, responses: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """Hashes that the index of known names has for the marked `responses` and `moments`."""
        found = [
            name_hashes(self.tenant.filter(pa.array(marked)), names[marked])
            for marked, names in ((responses, self.response), (moments, self.moment))
        ]
        return np.concatenate(found)


NO_NAMES = Names(pa.array([], TEXT), np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.uint64))


def reload(
    catalog: Catalog,
    open_traces: OpenTraces,
    keys: pa.Table,
    names: Names,
    tariffs: Tariffs,
    views_of: ViewsOf,
) -> pa.Table:
    """Open every trace of `keys` (tenant, trace_id; distinct) that the ledger knows and memory does not, those that
    share one of `names`, and all that are linked to these by what their own spans share. Returns the VIEWS brought
    back."""
    parts, events, seen = [], [np.empty(0, np.int64)], set[tuple[str, bytes]]()
    while True:
        keys = pa.concat_tables([keys, _naming(catalog, open_traces, names, views_of)])
        known, seqs = _known(catalog, _closed(open_traces, keys, seen))
        if not known.num_rows:
            break
        spans = _only(_views(catalog, known["trace_id"].unique().to_pylist(), seqs), known)
        parts.append(spans)
        events.append(seqs)
        names, keys = Names.of(spans, intake(spans, open_traces.texts)), keys.slice(0, 0)
    spans = pa.concat_tables(parts) if parts else VIEWS.empty_table()
    if spans.num_rows:  # else the hash of another trace
        _restore(catalog, open_traces, spans, np.unique(np.concatenate(events)).tolist(), tariffs)
    return spans


def _closed(open_traces: OpenTraces, keys: pa.Table, seen: set[tuple[str, bytes]]) -> pa.Table:
    """Those of `keys` that are not open and not among `seen`, which they join."""
    tenant, trace = open_traces.texts.tenant.codes(keys["tenant"]).astype(np.int64), halves(keys["trace_id"])
    closed = np.flatnonzero(open_traces.forest.find_traces(tenant, trace[:, 0], trace[:, 1]) < 0)
    if not len(closed):
        return keys.slice(0, 0)
    found = keys.take(pa.array(closed))
    new = [key not in seen for key in _pairs(found)]
    seen.update(_pairs(found))
    return found.filter(pa.array(new, type=pa.bool_()))


def _known(catalog: Catalog, keys: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """Those of `keys` that the ledger has, and the events that wrote about them."""
    if not keys.num_rows:
        return keys, np.empty(0, np.int64)
    hits, seqs = catalog.probe(trace_hashes(keys["tenant"], keys["trace_id"]))
    return keys.take(pa.array(np.unique(hits))), np.unique(seqs)


def views_of_traces(catalog: Catalog, keys: pa.Table) -> pa.Table:
    """VIEWS of the traces `keys` (tenant, trace_id) as committed, but of no log records without a trace."""
    known, seqs = _known(catalog, keys)
    return _only(_views(catalog, known["trace_id"].unique().to_pylist(), seqs), known)


def _views(catalog: Catalog, ids: list[bytes], seqs: np.ndarray) -> pa.Table:
    """VIEWS of the traces `ids` that the events `seqs` brought. A log record without a trace is found by its event."""
    spans = span_views(catalog.read("spans", ids, seqs.tolist(), _SPANS))
    logs = log_views(catalog.read("logs", ids, seqs.tolist(), LOG_COLUMNS))
    readings = reading_views(catalog.read("readings", ids, seqs.tolist(), READING_COLUMNS))
    residuals = residual_views(catalog.read("residuals", ids, seqs.tolist(), RESIDUAL_COLUMNS))
    found = pa.concat_tables([spans, logs, readings, residuals])
    missing = pa.array(sorted(set(ids) - set(found["trace_id"].to_pylist())), TRACE_ID)
    if not len(missing):
        return found
    untraced = catalog.read_events("logs", seqs, LOG_COLUMNS)
    untraced = untraced.filter(pc.and_(pc.is_null(untraced["trace_id"]), pc.is_in(untraced["content_hash"], missing)))
    return pa.concat_tables([found, log_views(untraced)])


def _naming(catalog: Catalog, open_traces: OpenTraces, names: Names, views_of: ViewsOf) -> pa.Table:
    """(tenant, trace_id) of the views in the ledger that share one of `names`, if open traces share none such."""
    responses = (names.response != 0) & ~open_traces.knows(names.code, names.response)
    moments = (names.moment != 0) & ~open_traces.knows_moments(names.code, names.moment)
    hashes = names.hashes(responses, moments)
    _, seqs = catalog.probe(hashes)
    found = []
    for seq in np.unique(seqs).tolist():
        views = views_of(seq)
        theirs = Names.of(views, intake(views, open_traces.texts))
        everything = np.ones(views.num_rows, dtype=np.bool_)
        shares = np.isin(theirs.hashes(everything, everything), hashes).reshape(2, -1).any(axis=0)
        found.append(views.select(_KEY).filter(pa.array(shares)))
    if not found:
        return ARROW["spans"].empty_table().select(_KEY)
    return pa.concat_tables(found).group_by(list(_KEY), use_threads=False).aggregate([])


def _restore(catalog: Catalog, open_traces: OpenTraces, spans: pa.Table, seqs: Sequence[int], tariffs: Tariffs) -> None:
    ids = spans["trace_id"].unique().to_pylist()
    spans = spans.sort_by([("source_seq", "ascending"), ("span_index", "ascending")])
    new = intake(spans, open_traces.texts)
    attach(new, spans, open_traces.lines, tariffs)
    open_traces.recall(new)
    placed = _only(catalog.read("placements", ids, seqs, _PLACED), spans)
    _recall_told(open_traces, placed)
    _recall_placed(open_traces, new, placed)
    _recall_booked(open_traces, _only(catalog.read("charges", ids, seqs, _CHARGED), spans))
    if _talking(open_traces, new).any():
        _recall_talks(open_traces, _only(catalog.read("run_parts", ids, seqs, _TALKING), spans))


def _only(rows: pa.Table, known: pa.Table) -> pa.Table:
    """Rows whose (tenant, trace_id) is among those of `known`."""
    pairs = set(_pairs(known))
    return rows.filter(pa.array([key in pairs for key in _pairs(rows)], type=pa.bool_()))


def _pairs(rows: pa.Table) -> Iterable[tuple[str, bytes]]:
    return zip(rows["tenant"].to_pylist(), rows["trace_id"].to_pylist(), strict=True)


def _rows_of(open_traces: OpenTraces, charged: pa.Table) -> np.ndarray:
    """Rows of the views that name the calls of `charged`: a span is known by its ids, any other by its content hash."""
    forest = open_traces.forest
    names = halves(pc.coalesce(charged["call_trace_id"], charged["trace_id"]))
    spans = halves(pc.coalesce(charged["call_span_id"], charged["span_id"]))[:, 0]
    tenant = open_traces.texts.tenant.codes(charged["tenant"]).astype(np.int64)
    rows = forest.find(forest.find_traces(tenant, names[:, 0], names[:, 1]), spans)
    others = np.flatnonzero(spans == 0)
    if len(others):
        rows[others] = forest.find_content(tenant[others], names[others, 0], names[others, 1])
    return rows


def _recall_told(open_traces: OpenTraces, placed: pa.Table) -> None:
    """Take back the readings of metrics and the settlements that were taken back once, which is for ever."""
    told = placed.filter(pc.fill_null(pc.equal(placed["reason"], REASONS[TOLD_BY_VIEWS]), False))
    if told.num_rows:
        tenant, trace = open_traces.texts.tenant.codes(told["tenant"]).astype(np.int64), halves(told["trace_id"])
        open_traces.tell(open_traces.forest.find_traces(tenant, trace[:, 0], trace[:, 1]), Outcome())
    anew = placed.filter(pc.fill_null(pc.equal(placed["reason"], REASONS[SETTLED_ANEW]), False))
    if anew.num_rows:
        places = zip(anew["source_seq"].to_pylist(), anew["span_index"].to_pylist(), strict=True)
        open_traces.recall_unsettled(set(places))


def _recall_placed(open_traces: OpenTraces, spans: NewSpans, placed: pa.Table) -> None:
    """The event that wrote the placement in force of each of `spans`: the last, for each puts the one before out."""
    forest, own = open_traces.forest, spans.own
    rows = forest.rows_of(spans)
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
    rows = _rows_of(open_traces, charged)
    seq, line = charged["event_seq"].to_numpy(), charged["line"].to_numpy()
    order = np.lexsort((-line, seq))  # of what is written to a row several times the last stays
    forest.nodes["b_seq"][rows[order]], forest.nodes["b_first"][rows[order]] = seq[order], line[order]


def _talking(open_traces: OpenTraces, spans: NewSpans) -> np.ndarray:
    """Whether the trace of each of `spans` goes by its conversation."""
    forest = open_traces.forest
    rows = forest.find_traces(spans.tenant, spans.trace_hi, spans.trace_lo)
    talking: np.ndarray = forest.traces["talks"][rows]
    return talking


def _recall_talks(open_traces: OpenTraces, parts: pa.Table) -> None:
    """The run that each trace was given by its conversation."""
    traces = open_traces.forest.traces
    own = pc.and_(pc.equal(parts["run_rule"], RUN_RULES[RUN_BY_CONVERSATION]), pc.invert(parts["elsewhere"]))
    given = pc.coalesce(parts["talk_run_id"], pc.if_else(own, parts["run_id"], pa.scalar(None, ID)))
    parts = parts.set_column(parts.column_names.index("talk_run_id"), "talk_run_id", given).filter(given.is_valid())
    ids, runs = halves(parts["trace_id"]), halves(parts["talk_run_id"])
    rows = open_traces.forest.find_traces(
        open_traces.texts.tenant.codes(parts["tenant"]).astype(np.int64), ids[:, 0], ids[:, 1]
    )
    traces["talk_hi"][rows], traces["talk_lo"][rows] = runs[:, 0], runs[:, 1]
    traces["talk_known"][rows] = True

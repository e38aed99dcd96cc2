"""Posting of views: spans, decoded and rid of what came before, log records that report calls, readings of metrics."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from ledger.calls.columns import numbered, starts
from ledger.calls.forest import METRIC, NewSpans
from ledger.journal.frame import Event
from ledger.post.batch import Batch, quarantined
from ledger.post.duplicates import GetEvent, Repeat, SameSpan, conflicts
from ledger.post.intake import halves, intake, select
from ledger.post.log_views import is_view, log_views, span_views
from ledger.post.metered import trace_keys
from ledger.post.open_traces import OpenTraces, Outcome
from ledger.post.pricing import attach
from ledger.post.reading_views import reading_views
from ledger.post.reload import NO_NAMES, Names, reload, views_of_traces
from ledger.post.residuals import residual_views
from ledger.post.rounds import rounds
from ledger.post.tariffs import Tariffs
from ledger.post.unsettled import Unsettled
from ledger.post.whose import told_by_views
from ledger.schema import ARROW
from ledger.store.catalog import Catalog
from ledger.store.traces import name_hashes, run_hashes, trace_hashes

log = logging.getLogger(__name__)

TRACE_SPANS_MAX = 400_000
"""Spans of one trace. Deciding about a late span takes all of its trace in memory, at about 500 bytes a span; a trace
that never ends is a loop. No setting: what is posted depends on the journal alone."""

DATA_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, pa.ArrowException)
"""What a fault in decoding raises when data meets it. One such event must not stop the ones behind it; errors of the
disk or of memory are not among them and are tried again."""


class Decoded(Protocol):
    """What decoding gives: rows of the one table that the events' kind fills, ordered by source_seq and position there
    (the other tables are empty), and schema.QUARANTINE."""

    @property
    def spans(self) -> pa.Table: ...

    @property
    def logs(self) -> pa.Table: ...

    @property
    def metrics(self) -> pa.Table: ...

    @property
    def quarantine(self) -> pa.Table: ...


Decode = Callable[[Sequence[Event]], Decoded]
"""Events of one kind of telemetry to rows."""


def decoded(decode: Decode, events: Sequence[Event], batch: Batch, table: str) -> pa.Table:
    """Rows of `table` in `events`, all of the kind that fills it; what cannot be decoded is quarantined, the whole
    event if it must be."""
    try:
        found = decode(events)
    except DATA_ERRORS as error:
        if len(events) > 1:
            return pa.concat_tables([decoded(decode, [event], batch, table) for event in events])
        log.exception("event %d cannot be decoded and is quarantined whole", events[0].event_seq)
        batch.add("quarantine", quarantined(events[0], f"{type(error).__name__}: {error}"))
        return ARROW[table].empty_table()
    batch.add("quarantine", found.quarantine)
    rows: pa.Table = getattr(found, table)
    return rows


class Telemetry:
    """Posts views into `open_traces`, reading back from `catalog` what memory has forgotten."""

    def __init__(
        self,
        catalog: Catalog,
        open_traces: OpenTraces,
        decode: Decode,
        same_span: SameSpan,
        get_event: GetEvent,
        tariffs: Tariffs,
    ) -> None:
        self._catalog, self._open = catalog, open_traces
        self._settling = Unsettled(open_traces)
        self._decode, self._same_span = decode, same_span
        self._get_event, self._tariffs = get_event, tariffs

    def post(self, events: Sequence[Event], batch: Batch) -> None:
        """Post trace `events`."""
        table = decoded(self._decode, events, batch, "spans").combine_chunks()
        if not table.num_rows:
            return
        views = span_views(table)
        spans, trace = self._open_for(views)
        fresh, repeats = self._split(spans, trace)
        fresh = self._within_bounds(spans, trace, fresh, views, batch)
        batch.count(spans.own["source_seq"][fresh], spans.own["source_seq"][~fresh])
        if repeats:
            batch.add("conflicts", conflicts(_repeats(table, repeats), self._get_event, self._same_span))
        if not fresh.all():
            spans, trace = select(spans, np.flatnonzero(fresh)), trace[fresh]
            views, table = views.filter(pa.array(fresh)), table.filter(pa.array(fresh))
        self._fold(spans, trace, views, table["resource"], batch)
        batch.add("spans", table)

    def post_logs(self, logs: pa.Table, batch: Batch) -> None:
        """Post those of `logs` (schema.LOGS), none of which came before, that are views of calls."""
        logs = logs.filter(pa.array(is_view(logs)))
        self._post_listed(log_views(logs).combine_chunks(), logs["resource"], batch)

    def post_points(self, points: pa.Table, batch: Batch) -> None:
        """Post readings of those of `points` (schema.METRICS), none of which came before, that bill."""
        readings = batch.metered.read(points)
        batch.add("readings", readings)
        self._post_listed(reading_views(readings).combine_chunks(), None, batch)

    def settle(self, event_seq: int, keys: pa.Table, first_index: int, batch: Batch) -> int:
        """Post what spans know of in the traces `keys` (tenant, trace_id) beyond what is billed there, by the event
        `event_seq`. Returns how many there were; they are numbered from `first_index`."""
        reload(self._catalog, self._open, keys, NO_NAMES, self._tariffs, self.views_of)
        views = views_of_traces(self._catalog, keys)
        residuals = self._settling.residuals(views, event_seq, first_index)
        batch.touched |= dict.fromkeys(zip(keys["tenant"].to_pylist(), keys["trace_id"].to_pylist(), strict=True))
        batch.add("residuals", residuals)
        self._post_listed(residual_views(residuals).combine_chunks(), None, batch)
        return int(residuals.num_rows)

    def _post_listed(self, views: pa.Table, resource: pa.ChunkedArray | None, batch: Batch) -> None:
        if not views.num_rows:
            return
        new, trace = self._open_for(views)
        kept = self._within_bounds(new, trace, np.ones(len(new), dtype=np.bool_), views, batch)
        if not kept.all():
            new, trace, views = select(new, np.flatnonzero(kept)), trace[kept], views.filter(pa.array(kept))
            resource = None if resource is None else resource.filter(pa.array(kept))
        self._fold(new, trace, views, resource, batch)

    def _open_for(self, views: pa.Table) -> tuple[NewSpans, np.ndarray]:
        """`views` as the forest takes them, and the number of each one's trace; what they may touch is open then."""
        new = intake(views, self._open.texts)
        first_of_trace, trace = numbered(new.tenant, new.trace_hi, new.trace_lo)
        reload(
            self._catalog,
            self._open,
            views.select(["tenant", "trace_id"]).take(pa.array(first_of_trace)),
            Names.of(views, new),
            self._tariffs,
            self.views_of,
        )
        return new, trace

    def _fold(
        self, new: NewSpans, trace: np.ndarray, views: pa.Table, resource: pa.ChunkedArray | None, batch: Batch
    ) -> None:
        """Fold `new` (of which `views` are the columns, and `resource`, if they are no readings of metrics), none of
        them known before, and add what follows."""
        attach(new, views, self._open.lines, self._tariffs)
        outcome = Outcome()
        for positions in rounds(self._keys(trace, new), new.own["source_seq"]):
            self._open.fold(select(new, positions), outcome)
        if outcome.active:
            self._merge_runs(batch.conversations.join(self._open.forest, self._open.texts, outcome.active), batch)
        if (new.own["signal"] != METRIC).any():
            self._tell(new, resource, outcome, batch)
        batch.touched |= self._settling.follow(outcome)
        tables = self._open.tables(outcome)
        for name, rows in tables.items():
            batch.add(name, rows)
        self._index(tables, new, views, batch)
        batch.add_traces(trace_hashes(views["tenant"], views["trace_id"]), new.own["source_seq"])
        batch.add_traces(run_hashes(outcome.new_runs["run_id"]), outcome.new_runs["event_seq"].to_numpy())

    def _tell(self, new: NewSpans, resource: pa.ChunkedArray | None, outcome: Outcome, batch: Batch) -> None:
        """Take back what was read from metrics of the calls that views tell of from now on."""
        told = told_by_views(self._open.forest, self._open.texts, new, resource, outcome.placed)
        back = batch.metered.tell(told)
        if not back:
            return
        keys = trace_keys(back)
        reload(self._catalog, self._open, keys, NO_NAMES, self._tariffs, self.views_of)
        halved, seqs = halves(keys["trace_id"]), np.array(list(back.values()), dtype=np.int64)
        tenant = self._open.texts.tenant.codes(keys["tenant"]).astype(np.int64)
        traces = self._open.forest.find_traces(tenant, halved[:, 0], halved[:, 1])
        for seq in np.unique(seqs).tolist():
            self._open.tell(traces[seqs == seq], outcome, seq)
        batch.add_traces(trace_hashes(keys["tenant"], keys["trace_id"]), seqs)

    def _merge_runs(self, merges: pa.Table, batch: Batch) -> None:
        batch.add("run_merges", merges)
        for name in ("run_id", "into_run_id"):  # so that whoever kept an answer about one of them asks anew
            batch.add_traces(run_hashes(merges[name]), merges["event_seq"].to_numpy())

    def _keys(self, trace: np.ndarray, new: NewSpans) -> np.ndarray:
        """What each of `new` touches: its trace (by number); all traces that one response links are one key."""
        linked = self._open.linked(new, trace)
        return np.where(linked, -1, trace) if linked.any() else trace

    def _index(self, tables: Mapping[str, pa.Table], new: NewSpans, views: pa.Table, batch: Batch) -> None:
        """Note where responses were named, where something stands apart, and what was written about traces that the
        events did not touch."""
        for column, named in self._open.named(new):
            if len(named):
                tenants = views["tenant"].take(pa.array(named))
                batch.add_traces(name_hashes(tenants, new.own[column][named]), new.own["source_seq"][named])
        for name in ("placements", "charges") if self._open.has_links else ():
            if name in tables:
                rows = tables[name]
                batch.add_traces(trace_hashes(rows["tenant"], rows["trace_id"]), rows["event_seq"].to_numpy())

    def views_of(self, seq: int) -> pa.Table:
        """The views of an event once more; what cannot be read of it was quarantined when it was posted."""
        found = self._decode([self._get_event(seq)])
        return pa.concat_tables([span_views(found.spans), log_views(found.logs)])

    def _within_bounds(
        self, spans: NewSpans, trace: np.ndarray, fresh: np.ndarray, table: pa.Table, batch: Batch
    ) -> np.ndarray:
        """`fresh` without the spans of traces that are full already, which are quarantined."""
        forest = self._open.forest
        rows = forest.find_traces(spans.tenant, spans.trace_hi, spans.trace_lo)
        before = np.where(rows >= 0, forest.traces["spans"][rows], 0)
        if (before + np.bincount(trace, fresh)[trace] <= TRACE_SPANS_MAX).all():
            return fresh
        over = fresh & (before + _ranks(trace, fresh) >= TRACE_SPANS_MAX)
        batch.add("quarantine", _over(table.filter(pa.array(over))))
        kept: np.ndarray = fresh & ~over
        return kept

    def _split(self, spans: NewSpans, trace: np.ndarray) -> tuple[np.ndarray, list[tuple[int, tuple[int, int]]]]:
        """Which spans were never seen, and the positions of the others with the place where each was seen first."""
        forest = self._open.forest
        trace_rows = forest.find_traces(spans.tenant, spans.trace_hi, spans.trace_lo)
        rows = np.full(len(spans), -1, dtype=np.int64)
        opened = np.flatnonzero(trace_rows >= 0)
        rows[opened] = forest.find(trace_rows[opened], spans.span[opened])
        self._open.touch(trace_rows[opened])
        known = (rows >= 0) & forest.nodes["real"][rows]
        first = _first_of_each(trace, spans.span)
        fresh = ~known & (first == np.arange(len(spans)))
        again = []
        for at in np.flatnonzero(~fresh).tolist():
            columns, row = (forest.nodes, int(rows[at])) if known[at] else (spans.own, int(first[at]))
            again.append((at, (int(columns["source_seq"][row]), int(columns["span_index"][row]))))
        return fresh, again


def _ranks(trace: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """How many fresh spans of the same trace come before each position."""
    order = np.argsort(trace, kind="stable")
    counted = np.cumsum(fresh[order]) - fresh[order]
    first = np.maximum.accumulate(np.where(starts(trace[order]), counted, 0))
    ranks = np.empty(len(trace), dtype=np.int64)
    ranks[order] = counted - first
    return ranks


def _over(spans: pa.Table) -> pa.Table:
    """schema.QUARANTINE of spans whose trace is full."""
    n = spans.num_rows
    reason = f"its trace has {TRACE_SPANS_MAX} spans already, and no more of one trace are posted; it is in the journal"
    columns = {name: spans[name] for name in ("tenant", "source_seq", "span_index")}
    columns |= {
        "reason": pa.repeat(reason, n),
        "bytes": pa.repeat(pa.scalar(b"", ARROW["quarantine"].field("bytes").type), n),
    }
    return pa.table([columns[name] for name in ARROW["quarantine"].names], schema=ARROW["quarantine"])


def _first_of_each(trace: np.ndarray, span: np.ndarray) -> np.ndarray:
    """For each position, the first position with the same identity. Positions are in journal order."""
    first, number = numbered(trace, span)
    firsts: np.ndarray = first[number]
    return firsts


def _repeats(table: pa.Table, repeats: list[tuple[int, tuple[int, int]]]) -> list[Repeat]:
    columns = ["tenant", "trace_id", "span_id", "source_seq", "span_index"]
    rows = table.select(columns).take(pa.array([at for at, _ in repeats])).to_pylist()
    return [
        Repeat(row["tenant"], row["trace_id"], row["span_id"], first, (row["source_seq"], row["span_index"]))
        for row, (_, first) in zip(rows, repeats, strict=True)
    ]

"""The open traces: every span known of them, its parent, and what it inherits from above.

A parent that has not arrived yet stands as a phantom row, so children are linked at once and a late parent finds them.
Work is in proportion to the spans added and the spans below them, never to the size of the forest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ledger.calls.columns import Columns, Fills, numbered
from ledger.calls.connected import connected
from ledger.calls.cycles import cut
from ledger.calls.depth import shorten
from ledger.calls.index import HashIndex, mix
from ledger.calls.roles import MODEL
from ledger.calls.rules import RUN_CODED

I64, I32, U64, U8, BOOL = np.int64, np.int32, np.uint64, np.uint8, np.bool_

IDENTITY: Fills = {
    "hash": (U64, 0),
    "trace": (I64, -1),
    "span": (U64, 0),
    "signal": (U8, 0),
    "source_seq": (I64, -1),
    "span_index": (I32, -1),
}
LINKS: Fills = {
    "real": (BOOL, 0),
    **dict.fromkeys(("parent", "first_child", "next_sibling"), (I64, -1)),
    "height": (I32, 0),  # of the tree below it, in levels
    "scope_below": (I32, -1),  # instrumentation of the model spans directly below it
    "mixed": (BOOL, 0),  # whether there are several
    "paired": (BOOL, 0),  # whether it may have twins
    "told": (BOOL, 0),  # of a reading of metrics or a settlement: whether it was taken back
}
OWN: Fills = {
    "role": (U8, 0),
    "failed": (BOOL, 0),
    "has_usage": (BOOL, 0),
    "unpriced": (BOOL, 0),
    "sums_up": (BOOL, 0),  # whether it may know more than the calls below it (calls.residual)
    "metered": (BOOL, 0),  # whether it states a cost that counts whichever view of the call states it
    "greater": (BOOL, 0),  # and whether it counts only where it is greater than the computed one
    **dict.fromkeys(("is_root", "input_known", "output_known", "digest_known", "generates"), (BOOL, 0)),
    **{f"own_{name}": (I32, -1) for name in ("agent", "conversation", "user", "team", "run", "turn")},
    **dict.fromkeys(
        ("service", "environment", "provider", "model", "asked_model", "tool", "scope", "credential"), (I32, -1)
    ),
    "input_digest": (I64, 0),
    **dict.fromkeys(("input_pico", "output_bytes"), (I64, -1)),  # cost of a prompt; length of a tool's result
    "response": (U64, 0),  # hash of the response id, 0 where there is none
    "execution": (U64, 0),  # of a tool: hash of the model's id of the tool call, 0 where there is none
    "moment": (U64, 0),  # of a view that stands apart (calls.apart), else 0
    **dict.fromkeys(("content_hi", "content_lo"), (U64, 0)),  # content hash of what is no span
    **dict.fromkeys(("units", "authority"), (U8, 0)),
    **dict.fromkeys(("began_ns", "ended_ns"), (I64, 0)),
    **dict.fromkeys(("charged_ns", "input_tokens", "output_tokens", "line_first", "line_count"), (I64, 0)),
}
INHERITED: Fills = {
    **dict.fromkeys(("agent", "conversation", "user", "team", "run", "turn"), (I32, -1)),
    "rooted": (BOOL, 0),  # whether all spans above it have arrived
    "turn_below": (I32, -1),  # of a topmost agent: a turn that a span below it names
    "turns_below": (BOOL, 0),  # whether these name several
    "beneath": (I32, -1),  # name of the nearest tool above it that has one
    **dict.fromkeys(("top", "llm", "running", "outer"), (I64, -1)),  # the last: around it, of the same call
}
PLACED: Fills = {
    "p_seq": (I64, -1),
    **{f"p_{name}": (I32, -1) for name in ("agent", "conversation", "user", "team", "beneath")},
    "p_rule": (U8, 0),
    "p_run": (I64, -1),
    "p_call": (I64, -1),
    "p_billed": (BOOL, 0),
    "p_reason": (U8, 0),
    "p_dup": (I64, -1),
}
BOOKED: Fills = {
    **dict.fromkeys(("biller", "reporter", "b_row", "b_report"), (I64, -1)),
    "b_rule": (U8, 0),
    "b_run": (I64, -1),
    **{f"b_{name}": (I32, -1) for name in ("agent", "user", "team", "beneath")},
    "b_seq": (I64, -1),
    "b_first": (I32, 0),
    **dict.fromkeys(("b_line_first", "b_line_count"), (I64, 0)),
    "r_pico": (I64, -1),  # what is posted that a tool's result cost, and of which agent
    "r_agent": (I32, -1),
}
RUN_ID: Fills = {"run_hi": (U64, 0), "run_lo": (U64, 0), "run_known": (BOOL, 0)}
"""Id of the run that is named after the trace, or after the span as its topmost agent, once it was asked for."""
TRACE: Fills = {
    **RUN_ID,
    **dict.fromkeys(("hash", "hi", "lo"), (U64, 0)),
    **dict.fromkeys(("tenant", "touched", "event_seq"), (I64, -1)),
    "spans": (I64, 0),
    "linked": (BOOL, 0),  # whether it shares a response with another trace, or holds what stands apart
    "sums_up": (BOOL, 0),  # whether a span in it may know more than the calls below it
    "nested": (BOOL, 0),  # whether an agent lies beneath another one
    "keyed": (BOOL, 0),  # whether a span in it names a run or a turn, or is an agent or workflow
    "talk": (I32, -1),  # a conversation that its calls name
    "apart": (BOOL, 0),  # whether they name several, or some of them none
    "talks": (BOOL, 0),  # whether it goes by that conversation
    "first_ns": (I64, np.iinfo(I64).max),  # of its calls
    "last_ns": (I64, np.iinfo(I64).min),
    **dict.fromkeys(("talk_hi", "talk_lo"), (U64, 0)),  # the run that it was given by its conversation
    "talk_known": (BOOL, 0),
}
ROW_VALUED = (
    "parent", "first_child", "next_sibling", "top", "llm", "running", "outer", "p_call", "p_dup", "biller",
    "reporter", "b_row", "b_report",
)  # fmt: skip
"""Columns that hold row numbers."""
RUN_COLUMNS = (("p_rule", "p_run"), ("b_rule", "b_run"))
"""Columns whose meaning their rule decides: a text's code under the rules RUN_CODED, a row under that of the agent, and
under those RUN_OF_TRACE a row of the trace, -1 where it is the span's own."""

SPAN, LOG, METRIC, SETTLEMENT = range(4)
"""Signals of views. A log record stands in the trace of the span that it was written for, as a leaf below it; one
without a trace stands in one of its own, which has its content hash for an id. Readings of metrics that are of one call
stand in a trace of their own (calls.readings). What a settlement finds stands as a leaf below the span that knew of it
(calls.settled)."""
SIGNALS = ("span", "log", "metric", "settlement")

SIBLING_STEPS_MAX = 64
"""Past so many siblings, one scan over all parents is cheaper than walking the list."""


@dataclass(frozen=True)
class NewSpans:
    """Spans, and log records, readings and settlements that are views, of one round: distinct, not known before; each
    of a trace's from the same event. The span of what is no span is the first half of its content hash."""

    tenant: np.ndarray  # int64 code
    trace_hi: np.ndarray  # uint64
    trace_lo: np.ndarray  # uint64
    span: np.ndarray  # uint64
    parent: np.ndarray  # uint64
    has_parent: np.ndarray  # bool
    own: dict[str, np.ndarray]  # columns of IDENTITY (source) and OWN

    def __len__(self) -> int:
        return len(self.span)


class Forest:
    """Rows are spans (or phantoms); a row's number holds until `evict`."""

    def __init__(self) -> None:
        self.nodes = Columns({**IDENTITY, **LINKS, **OWN, **INHERITED, **PLACED, **BOOKED, **RUN_ID})
        self.traces = Columns(TRACE)
        self._node_index = HashIndex()
        self._trace_index = HashIndex()

    def find_traces(self, tenant: np.ndarray, hi: np.ndarray, lo: np.ndarray) -> np.ndarray:
        """Trace row of each key, -1 where the trace is not open."""
        traces = self.traces

        def same(rows: np.ndarray, which: np.ndarray) -> np.ndarray:
            equal: np.ndarray = (
                (traces["hi"][rows] == hi[which])
                & (traces["lo"][rows] == lo[which])
                & (traces["tenant"][rows] == tenant[which])
            )
            return equal

        return self._trace_index.find(mix(tenant, hi, lo), same)

    def rows_of(self, spans: NewSpans) -> np.ndarray:
        """Row of each of `spans`, -1 where there is none."""
        trace_rows = self.find_traces(spans.tenant, spans.trace_hi, spans.trace_lo)
        return self.find(trace_rows, spans.span, spans.own["signal"])

    def find(self, trace_rows: np.ndarray, spans: np.ndarray, signals: np.ndarray | None = None) -> np.ndarray:
        """Row (real or phantom) of each span, -1 where there is none. `signals`: of each, if not all are spans."""
        nodes = self.nodes

        def same(rows: np.ndarray, which: np.ndarray) -> np.ndarray:
            equal: np.ndarray = (nodes["span"][rows] == spans[which]) & (nodes["trace"][rows] == trace_rows[which])
            equal &= nodes["signal"][rows] == (SPAN if signals is None else signals[which])
            return equal

        return self._node_index.find(mix(trace_rows, spans), same)

    def find_content(self, tenant: np.ndarray, hi: np.ndarray, lo: np.ndarray) -> np.ndarray:
        """Row of the view, none of them a span, with each content hash, which is there. Looks at all of them."""
        nodes = self.nodes
        logs = np.flatnonzero(nodes["signal"][: nodes.rows] != SPAN)
        tenants = self.traces["tenant"][nodes["trace"][logs]]
        keys = _triples(tenants, nodes["content_hi"][logs], nodes["content_lo"][logs])
        row_of = dict(zip(keys, logs.tolist(), strict=True))
        return np.array([row_of[key] for key in _triples(tenant, hi, lo)], dtype=np.int64)

    def add(self, spans: NewSpans, touched: int) -> np.ndarray:
        """Put `spans` in and link them to parents and to children that were waiting. Returns their rows."""
        trace_rows = self._trace_rows(spans, touched)
        rows = self._rows(trace_rows, spans.span, spans.own["signal"])
        self.nodes["real"][rows] = True
        for name, values in spans.own.items():
            self.nodes[name][rows] = values
        self.traces["event_seq"][trace_rows] = spans.own["source_seq"]
        self.traces["sums_up"][trace_rows[spans.own["sums_up"]]] = True
        np.add.at(self.traces["spans"], trace_rows, 1)
        linked = spans.has_parent & (spans.parent != spans.span)
        children = rows[linked]
        self.nodes["parent"][children] = self._rows(trace_rows[linked], spans.parent[linked])
        cut(self.nodes, children)
        shorten(self.nodes, children[self.nodes["parent"][children] >= 0])
        self._adopt(children[self.nodes["parent"][children] >= 0])
        return rows

    def levels(self, rows: np.ndarray) -> list[np.ndarray]:
        """`rows` and all below them, from the top down: each array's parents are final when it is reached."""
        parent = self.nodes["parent"][rows]
        marked = self._marks(rows)
        tops = rows[~marked[parent]]
        levels, reached_again = self._walk_down(tops)
        if len(reached_again):  # some of `rows` lie below others with old spans between: start from the upper ones only
            tops = np.setdiff1d(tops, reached_again)
            levels, _ = self._walk_down(tops)
        return levels

    def _walk_down(self, tops: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Levels below `tops`, each row once, and those of `tops` that were met again on the way down."""
        seen = self._marks(tops)
        levels, again, level = [], [], tops
        while len(level):
            levels.append(level)
            children = self._children(level)
            met = seen[children]
            again.append(children[met])
            level = children[~met]
            seen[level] = True
        return levels, np.concatenate(again) if again else tops[:0]

    def rows_in(self, traces: np.ndarray) -> np.ndarray:
        """All rows of `traces`. Looks at all rows."""
        marked = np.zeros(self.traces.rows, dtype=np.bool_)
        marked[traces] = True
        return np.flatnonzero(marked[self.nodes["trace"][: self.nodes.rows]])

    def order(self, row: int) -> tuple[int, int]:
        """Place of the row's span in the journal."""
        return int(self.nodes["source_seq"][row]), int(self.nodes["span_index"][row])

    def model_children(self, row: int) -> list[int]:
        """The model spans directly below `row`."""
        nodes, children = self.nodes, self._children(np.array([row]))
        is_model = (nodes["role"][children] == MODEL) & (nodes["signal"][children] == SPAN)
        found: list[int] = children[is_model].tolist()
        return found

    def _marks(self, rows: np.ndarray) -> np.ndarray:
        """Whether each row is among `rows`; the mark of row -1 is false."""
        marked = np.zeros(self.nodes.rows + 1, dtype=np.bool_)
        marked[rows] = True
        return marked

    def evict(self, keep_rows: int, linked: Callable[[], Iterable[np.ndarray]]) -> np.ndarray | None:
        """Forget the traces least recently touched until about `keep_rows` rows are left.

        Returns the new number of each old row (-1 forgotten), or None where nothing had to go. The trace touched last
        always stays. `linked`: sets of traces that go or stay together.
        """
        if self.nodes.rows <= keep_rows or self.traces.rows <= 1:
            return None
        kept_traces = self._together(self._recent_traces(keep_rows), linked())
        keep = np.zeros(self.traces.rows + 1, dtype=np.bool_)
        keep[kept_traces] = True
        rows = np.flatnonzero(keep[self.nodes["trace"][: self.nodes.rows]])
        renumber = np.full(self.nodes.rows + 1, -1, dtype=np.int64)
        renumber[rows] = np.arange(len(rows))
        new_trace = np.full(self.traces.rows, -1, dtype=np.int64)
        new_trace[kept_traces] = np.arange(len(kept_traces))
        self.nodes.keep(rows)
        self.traces.keep(kept_traces)
        self._renumber(renumber, new_trace)
        return renumber

    def _recent_traces(self, keep_rows: int) -> np.ndarray:
        sizes = np.bincount(self.nodes["trace"][: self.nodes.rows], minlength=self.traces.rows)
        newest_first = np.argsort(-self.traces["touched"][: self.traces.rows], kind="stable")
        fits = np.cumsum(sizes[newest_first]) <= keep_rows
        fits[0] = True
        return np.sort(newest_first[fits])

    def _together(self, kept: np.ndarray, linked: Iterable[np.ndarray]) -> np.ndarray:
        """`kept` without traces that are linked to one that goes, and with all that are linked to the last touched."""
        last = int(np.argmax(self.traces["touched"][: self.traces.rows]))
        stays = np.zeros(self.traces.rows, dtype=np.bool_)
        stays[kept] = True
        head = connected(linked)
        members, heads = np.array(list(head), dtype=np.int64), np.array(list(head.values()), dtype=np.int64)
        stays[members[np.isin(heads, heads[~stays[members]])]] = False
        stays[members[heads == head.get(last, -1)]] = True
        stays[last] = True
        return np.flatnonzero(stays)

    def _renumber(self, renumber: np.ndarray, new_trace: np.ndarray) -> None:
        nodes, n = self.nodes, self.nodes.rows
        for name in ROW_VALUED:
            nodes[name][:n] = renumber[nodes[name][:n]]
        for rule, run in RUN_COLUMNS:
            by_row = np.flatnonzero(~np.isin(nodes[rule][:n], RUN_CODED) & (nodes[run][:n] >= 0))
            nodes[run][by_row] = renumber[nodes[run][by_row]]
        nodes["trace"][:n] = new_trace[nodes["trace"][:n]]
        nodes["hash"][:n] = mix(nodes["trace"][:n], nodes["span"][:n])
        self._node_index, self._trace_index = HashIndex(), HashIndex()
        self._node_index.insert(nodes["hash"][:n], np.arange(n), nodes["hash"])
        traces = self.traces
        self._trace_index.insert(traces["hash"][: traces.rows], np.arange(traces.rows), traces["hash"])

    def _trace_rows(self, spans: NewSpans, touched: int) -> np.ndarray:
        rows = self.find_traces(spans.tenant, spans.trace_hi, spans.trace_lo)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            first, number = numbered(spans.tenant[missing], spans.trace_hi[missing], spans.trace_lo[missing])
            rows[missing] = self._new_traces(spans, missing[first])[number]
        self.traces["touched"][rows] = touched
        return rows

    def _new_traces(self, spans: NewSpans, which: np.ndarray) -> np.ndarray:
        rows = self.traces.extend(len(which))
        tenant, hi, lo = spans.tenant[which], spans.trace_hi[which], spans.trace_lo[which]
        for name, values in (("tenant", tenant), ("hi", hi), ("lo", lo), ("hash", mix(tenant, hi, lo))):
            self.traces[name][rows] = values
        self._trace_index.insert(self.traces["hash"][rows], rows, self.traces["hash"])
        return rows

    def _rows(self, trace_rows: np.ndarray, spans: np.ndarray, signals: np.ndarray | None = None) -> np.ndarray:
        """Row of each span, made (as a phantom) where there is none."""
        signals = np.zeros(len(spans), dtype=np.uint8) if signals is None else signals
        rows = self.find(trace_rows, spans, signals)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            first, number = numbered(trace_rows[missing], spans[missing], signals[missing])
            made = self.nodes.extend(len(first))
            self.nodes["trace"][made] = trace_rows[missing[first]]
            self.nodes["span"][made] = spans[missing[first]]
            self.nodes["signal"][made] = signals[missing[first]]
            self.nodes["hash"][made] = mix(self.nodes["trace"][made], self.nodes["span"][made])
            self._node_index.insert(self.nodes["hash"][made], made, self.nodes["hash"])
            rows[missing] = made[number]
        return rows

    def _adopt(self, children: np.ndarray) -> None:
        """Push `children` on the child lists of their parents."""
        nodes = self.nodes
        children = children[np.argsort(nodes["parent"][children], kind="stable")]
        parents = nodes["parent"][children]
        last = np.append(parents[1:] != parents[:-1], True)[: len(parents)]
        first = np.insert(last[:-1], 0, True)[: len(parents)]
        follower = np.append(children[1:], -1)[: len(children)]
        nodes["next_sibling"][children] = np.where(last, nodes["first_child"][parents], follower)
        nodes["first_child"][parents[first]] = children[first]

    def _children(self, rows: np.ndarray) -> np.ndarray:
        nodes, found = self.nodes, []
        child = nodes["first_child"][rows]
        child = child[child >= 0]
        while len(child):
            found.append(child)
            if len(found) > SIBLING_STEPS_MAX:
                return self._children_by_scan(rows)
            child = nodes["next_sibling"][child]
            child = child[child >= 0]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    def _children_by_scan(self, rows: np.ndarray) -> np.ndarray:
        return np.flatnonzero(self._marks(rows)[self.nodes["parent"][: self.nodes.rows]])


def _triples(*columns: np.ndarray) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))

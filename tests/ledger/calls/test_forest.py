"""The forest against a plain model that looks at all spans known of a trace each time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.calls.forest import Forest, NewSpans
from ledger.calls.inherit import inherit
from ledger.calls.owner import Nesting, decide
from ledger.calls.place import place
from ledger.calls.roles import AGENT, DEFINITION, MODEL, NONE, TOOL, WORKFLOW
from ledger.calls.rules import NO_RUN, RUN_BY_AGENT, RUN_CODED, RUN_OF_TRACE
from ledger.calls.runs import note_turns
from ledger.calls.sightings import SIGHTINGS_MAX
from ledger.calls.talks import note_talks
from ledger.calls.twins import Twins
from tests.ledger.calls.model import Model, Span

spans = st.builds(
    Span,
    trace=st.integers(1, 2),
    span=st.integers(1, 9),
    parent=st.none() | st.integers(1, 9),
    role=st.sampled_from([NONE, MODEL, MODEL, TOOL, AGENT, WORKFLOW, DEFINITION]),
    agent=st.sampled_from([-1, -1, 0, 1]),
    run=st.sampled_from([-1, -1, -1, 0]),
    has_usage=st.booleans(),
    failed=st.booleans(),
    scope=st.sampled_from([0, 0, 1, 2]),
    response=st.sampled_from([0, 0, 5, 6]),
    units=st.integers(1, 2),
    model=st.sampled_from([0, 0, 0, 1, -1]),
    tokens=st.sampled_from([10, 10, 12, 13]),
    began=st.integers(0, 4),
    lasted=st.integers(0, 2),
    turn=st.sampled_from([-1, -1, -1, 0, 1]),
    talk=st.sampled_from([-1, 0, 0, 0, 1]),
    tool=st.sampled_from([-1, 0, 1]),
    execution=st.sampled_from([0, 0, 5, 6]),
)

logs = st.builds(
    Span,
    trace=st.integers(1, 2),
    span=st.integers(20, 26),
    parent=st.none() | st.integers(1, 9),
    role=st.just(MODEL),
    agent=st.sampled_from([-1, -1, 0]),
    run=st.sampled_from([-1, -1, -1, 0]),
    has_usage=st.booleans(),
    failed=st.booleans(),
    scope=st.sampled_from([3, 3, 4]),
    response=st.sampled_from([0, 0, 5, 6]),
    units=st.integers(1, 2),
    model=st.sampled_from([0, 0, -1]),
    tokens=st.sampled_from([10, 12]),
    began=st.integers(0, 4),
    lasted=st.integers(0, 2),
    is_log=st.just(True),
)
views = st.one_of(spans, spans, logs)
"""Fewer log records than LOGS_MAX; their ids are no span's."""


def distinct(events: list[list[Span]]) -> list[list[Span]]:
    seen: set[tuple[int, int]] = set()
    kept = []
    for event in events:
        fresh = []
        for span in event:
            if (span.trace, span.span) not in seen:
                seen.add((span.trace, span.span))
                fresh.append(span)
        if fresh:
            kept.append(fresh)
    return kept


def columns(event: list[Span], seq: int) -> NewSpans:
    def ints(values: list[int], kind: type = np.int64) -> np.ndarray:
        return np.array(values, dtype=kind)

    own = {
        "source_seq": ints([seq] * len(event)),
        "span_index": ints(list(range(len(event))), np.int32),
        "signal": ints([span.is_log for span in event], np.uint8),
        "role": ints([span.role for span in event], np.uint8),
        "own_agent": ints([span.agent for span in event], np.int32),
        "own_run": ints([span.run for span in event], np.int32),
        "own_turn": ints([span.turn for span in event], np.int32),
        "own_conversation": ints([span.talk for span in event], np.int32),
        "charged_ns": ints([span.ended for span in event]),
        "has_usage": np.array([span.has_usage for span in event]),
        "failed": np.array([span.failed for span in event]),
        "sums_up": np.zeros(len(event), dtype=np.bool_),
        "scope": ints([span.scope for span in event], np.int32),
        "response": ints([span.response for span in event], np.uint64),
        "model": ints([span.model for span in event], np.int32),
        "tool": ints([span.tool for span in event], np.int32),
        "execution": ints([span.execution for span in event], np.uint64),
        "units": ints([span.units for span in event], np.uint8),
        "input_known": np.array([span.has_usage for span in event]),
        "input_tokens": ints([span.tokens for span in event]),
        "began_ns": ints([span.began for span in event]),
        "ended_ns": ints([span.began + span.lasted for span in event]),
    }
    return NewSpans(
        tenant=ints([0] * len(event)),
        trace_hi=ints([span.trace for span in event], np.uint64),
        trace_lo=ints([7] * len(event), np.uint64),
        span=ints([span.span for span in event], np.uint64),
        parent=ints([span.parent or 0 for span in event], np.uint64),
        has_parent=np.array([span.parent is not None for span in event]),
        own=own,
    )


def real_rows(forest: Forest, levels: list[np.ndarray]) -> np.ndarray:
    rows = np.unique(np.concatenate(levels))
    return rows[forest.nodes["real"][rows]]


class Folding:
    def __init__(self) -> None:
        self.forest, self.nesting = Forest(), Nesting()
        self.twins = Twins(lambda one, other: one == other or one < 0 or other < 0)

    def fold(self, new: NewSpans) -> None:
        rows = self.forest.add(new, 0)
        self.twins.add(self.forest, rows)
        levels = self.forest.levels(rows)
        affected = real_rows(self.forest, levels)
        outer = self.forest.nodes["outer"].copy()
        before = outer[affected]
        inherit(self.forest, levels)
        tops = note_turns(self.forest, affected)
        turned, _ = note_talks(self.forest, affected)
        if len(tops) or len(turned):
            further = [*self.forest.levels(tops), self.forest.rows_in(turned)]
            affected = real_rows(self.forest, [affected, *further])
            before = outer[affected]
        decision = decide(self.forest, self.nesting, self.twins, affected, before)
        place(self.forest, affected, decision)

    def run_key(self, row: int, rule: int, run: int) -> object:
        nodes, traces = self.forest.nodes, self.forest.traces
        if rule in (NO_RUN, *RUN_CODED):
            return run
        trace = int(traces["hi"][nodes["trace"][run if run >= 0 else row]])
        return trace if rule in RUN_OF_TRACE else (trace, int(nodes["span"][run]))

    def placements(self) -> dict[tuple[int, int], tuple[object, ...]]:
        nodes, traces = self.forest.nodes, self.forest.traces

        def key(row: int) -> tuple[int, int] | None:
            return None if row < 0 else (int(traces["hi"][nodes["trace"][row]]), int(nodes["span"][row]))

        found = {}
        for row in np.flatnonzero(nodes["real"][: nodes.rows]).tolist():
            rule, run = int(nodes["p_rule"][row]), int(nodes["p_run"][row])
            found[key(row)] = (
                int(nodes["p_agent"][row]),
                (rule, self.run_key(row, rule, run)),
                key(int(nodes["p_call"][row])),
                bool(nodes["p_billed"][row]),
                key(int(nodes["p_dup"][row])),
                int(nodes["p_beneath"][row]),
            )
        return found


@settings(max_examples=400)
@given(st.lists(st.lists(views, min_size=1, max_size=5), min_size=1, max_size=8))
def test_folding_event_by_event_gives_what_the_whole_set_of_spans_says(events: list[list[Span]]) -> None:
    folding, seen = Folding(), []
    for seq, event in enumerate(distinct(events)):
        seen.append(event)
        by_trace = [[s for s in event if s.trace == trace] for trace in (1, 2)]
        assert sum(map(len, by_trace)) == len(event)
        folding.fold(columns(event, seq))
        assert folding.placements() == Model(seen).placements()


@settings(max_examples=200)
@given(st.lists(st.lists(views, min_size=1, max_size=5), min_size=1, max_size=8))
def test_a_trace_brought_back_at_once_is_as_it_was_folded(events: list[list[Span]]) -> None:
    piecewise, at_once = Folding(), Folding()
    kept = distinct(events)
    for seq, event in enumerate(kept):
        piecewise.fold(columns(event, seq))
    parts = [columns(event, seq) for seq, event in enumerate(kept)]
    whole = NewSpans(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("tenant", "trace_hi", "trace_lo", "span", "parent", "has_parent")
        },
        own={name: np.concatenate([part.own[name] for part in parts]) for name in parts[0].own},
    )
    at_once.fold(whole)
    assert at_once.placements() == piecewise.placements()


def test_a_mock_that_repeats_its_response_id_is_looked_for_eight_times_and_no_more() -> None:
    folding, named = Folding(), 0
    for trace in range(1, 30):
        new = columns([Span(trace, 1, None, MODEL, -1, -1, True, False, scope=trace, response=5)], trace)
        folding.fold(new)
        named += len(folding.twins.named(folding.forest, folding.forest.rows_of(new)))
    assert named == SIGHTINGS_MAX
    calls = {placed[2] for placed in folding.placements().values()}
    assert len(calls) == 1 + 29 - SIGHTINGS_MAX


def test_traces_that_share_a_response_are_forgotten_together() -> None:
    folding = Folding()
    for trace, response in ((1, 5), (2, 6), (3, 5), (4, 6), (5, 0)):
        span = Span(trace, 1, None, MODEL, -1, -1, True, False, scope=trace, response=response)
        rows = folding.forest.add(columns([span], trace), touched=trace)
        folding.twins.add(folding.forest, rows)
    folding.forest.evict(keep_rows=3, linked=lambda: folding.twins.linked(folding.forest))
    traces = folding.forest.traces
    assert traces["hi"][: traces.rows].tolist() == [5]  # 3 goes with 1, 4 with 2
    assert folding.forest.nodes.rows == 1


def chain(numbers: list[int]) -> list[Span]:
    return [Span(1, n, n - 1 or None, MODEL if n % 3 else NONE, -1, -1, False, False) for n in numbers]


def test_a_deep_chain_with_every_other_span_late_is_walked_once() -> None:
    folding = Folding()
    deep = 4_000
    folding.fold(columns(chain(list(range(1, deep, 2))), 0))
    folding.fold(columns(chain(list(range(2, deep, 2))), 1))
    levels = folding.forest.levels(np.arange(folding.forest.nodes.rows))
    assert sum(map(len, levels)) == deep - 1


def test_forgetting_keeps_the_traces_touched_last_and_what_is_known_of_them() -> None:
    folding = Folding()
    for trace in (1, 2, 3):
        event = [Span(trace, n, n - 1 or None, AGENT if n == 1 else MODEL, n, -1, True, False) for n in (1, 2, 3)]
        rows = folding.forest.add(columns(event, trace), touched=trace)
        levels = folding.forest.levels(rows)
        affected = real_rows(folding.forest, levels)
        inherit(folding.forest, levels)
        place(
            folding.forest,
            affected,
            decide(folding.forest, folding.nesting, folding.twins, affected, np.full(len(affected), -1)),
        )
    before = folding.placements()
    renumber = folding.forest.evict(keep_rows=4, linked=list)
    assert renumber is not None
    folding.nesting.renumber(renumber)
    assert folding.placements() == {key: value for key, value in before.items() if key[0] == 3}
    folding.fold(columns([Span(3, 9, 2, MODEL, -1, -1, True, False)], 9))
    assert folding.placements()[(3, 9)][1] == (RUN_BY_AGENT, (3, 1))

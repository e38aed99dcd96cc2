"""The traces now open: their forest, texts and priced lines, and how one round of spans is folded into them.

All of it is a cache: what a late span needs can be read back from the ledger (`reload`).
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ledger.calls.booking import book
from ledger.calls.columns import Frame, distinct, stacked
from ledger.calls.forest import RUN_COLUMNS, Forest, NewSpans
from ledger.calls.inherit import inherit
from ledger.calls.owner import Decision, Nesting, decide
from ledger.calls.place import place
from ledger.calls.readings import in_traces
from ledger.calls.rules import RUN_CODED
from ledger.calls.runs import note_turns
from ledger.calls.settled import standing_in
from ledger.calls.talks import note_talks
from ledger.calls.twins import Twins, same_model
from ledger.post.beneath import Beneath
from ledger.post.charging import charge_rows
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.parts import parts_of
from ledger.post.placing import placement_rows
from ledger.post.restated import restate
from ledger.post.results import result_rows
from ledger.post.run_parts import run_part_rows
from ledger.schema import ARROW

_CODED = {
    "agent": ("own_agent", "agent", "p_agent", "b_agent", "r_agent"),
    "conversation": ("own_conversation", "conversation", "p_conversation"),
    "user": ("own_user", "user", "p_user", "b_user"),
    "team": ("own_team", "team", "p_team", "b_team"),
    "service": ("service",),
    "environment": ("environment",),
    "provider": ("provider",),
    "model": ("model", "asked_model"),
    "tool": ("tool", "beneath", "p_beneath", "b_beneath"),
    "scope": ("scope", "scope_below"),
    "credential": ("credential",),
}
"""Texts that grow with what is sent -> forest columns that hold their codes. Tenants are few."""
KEPT_OF_FOUR = 3
"""Quarters of what may be kept that stay where something has to go."""
_RUN_NAMES = ("own_run", "run", "own_turn", "turn", "turn_below")
"""The same of ids of runs and turns, beside what is placed and booked."""


@dataclass
class Outcome:
    """What rounds came to: placements (calls.place) and postings (calls.booking), to be made tables all at once."""

    placed: list[Frame] = field(default_factory=list)
    postings: list[Frame] = field(default_factory=list)
    active: list[Frame] = field(default_factory=list)
    """Activities of conversations (calls.talks), in the order of rounds."""
    new_runs: pa.Table = field(default_factory=lambda: ARROW["run_parts"].empty_table().select(["run_id", "event_seq"]))
    """Where the tables have a run for the first time; known once `tables` has made them."""


class OpenTraces:
    def __init__(self) -> None:
        self.forest = Forest()
        self.texts = Texts()
        self.lines = LineStore()
        self._nesting = Nesting()
        self._twins = Twins(lambda one, other: same_model(self.texts.model.text(one), self.texts.model.text(other)))
        self._beneath = Beneath()
        self._round = 0

    def fold(self, spans: NewSpans, outcome: Outcome) -> None:
        """Add spans of one round, none known before, and note what follows from them."""
        forest = self.forest
        self._round += 1
        rows = forest.add(spans, self._round)
        self._twins.add(forest, rows)
        below = forest.levels(rows)
        affected = distinct(np.concatenate(below), forest.nodes.rows)
        affected = affected[forest.nodes["real"][affected]]
        outer_before = forest.nodes["outer"][affected]
        inherit(forest, below)
        self._twins.follow(forest, affected)
        moved = self._moved(affected, outcome)
        if len(moved):
            affected = np.concatenate([affected, moved])
            outer_before = np.concatenate([outer_before, forest.nodes["outer"][moved]])
        self._conclude(affected, decide(forest, self._nesting, self._twins, affected, outer_before), outcome)

    def tell(self, traces: np.ndarray, outcome: Outcome, event_seq: int = -1) -> None:
        """Take back what the readings of metrics in `traces` (trace rows) bill, for views tell of their calls: at
        `event_seq`, and note what follows from it."""
        self.forest.traces["event_seq"][traces] = event_seq
        self.touch(traces)
        self._take_back(in_traces(self.forest, traces), outcome)

    def unsettle(self, traces: np.ndarray, outcome: Outcome, event_seq: int) -> None:
        """Take back what was settled in `traces` (trace rows), for more came of them: at `event_seq`, and note what
        follows from it."""
        last = self.forest.traces["event_seq"][traces]
        self.forest.traces["event_seq"][traces] = event_seq
        self._take_back(standing_in(self.forest, traces), outcome)
        self.forest.traces["event_seq"][traces] = last

    def recall_unsettled(self, settled: set[tuple[int, int]]) -> None:
        """The same of what was taken back before: `settled` are the places of these settlements in the journal."""
        nodes = self.forest.nodes
        rows = standing_in(self.forest, np.arange(self.forest.traces.rows))
        places = zip(nodes["source_seq"][rows].tolist(), nodes["span_index"][rows].tolist(), strict=True)
        self._take_back(rows[[place in settled for place in places]], Outcome())

    def _take_back(self, rows: np.ndarray, outcome: Outcome) -> None:
        """What `rows`, readings or settlements, bill."""
        self.forest.nodes["told"][rows] = True
        decision = decide(self.forest, self._nesting, self._twins, rows, np.full(len(rows), -1))
        self._conclude(rows, decision, outcome)

    def _conclude(self, affected: np.ndarray, decision: Decision, outcome: Outcome) -> None:
        """Place `affected` and book what was decided."""
        called_before = self.forest.nodes["p_call"][decision.rows].copy()
        outcome.placed.append(place(self.forest, affected, decision))
        for postings in book(self.forest, decision, called_before):
            restate(self.forest, self.lines, postings)
            outcome.postings.append(postings)

    def _moved(self, affected: np.ndarray, outcome: Outcome) -> np.ndarray:
        """Further real rows whose run may be another, now that `affected` are brought up to date."""
        forest = self.forest
        tops = note_turns(forest, affected)
        turned, active = note_talks(forest, affected)
        if len(active["trace"]):
            outcome.active.append(active)
        further = forest.levels(tops) if len(tops) else []
        if len(turned):
            among = int(np.isin(forest.nodes["trace"][affected], turned).sum())
            if among < forest.traces["spans"][turned].sum():
                further.append(forest.rows_in(turned))
        if not further:
            return tops
        rows = np.concatenate(further)
        return np.setdiff1d(rows[forest.nodes["real"][rows]], affected)

    def tables(self, outcome: Outcome) -> dict[str, pa.Table]:
        """Rows of `outcome` by table. To be called before anything is forgotten."""
        tables = {}
        if outcome.placed:
            placed = stacked(outcome.placed)
            tables["placements"] = placement_rows(self.forest, self.texts, placed)
            touched = self.forest.nodes["trace"][placed["row"]]
            parts = parts_of(self.forest, touched)
            tables["run_parts"], is_new = run_part_rows(parts, self.texts, self.lines, placed)
            tables["rollups"] = pa.concat_tables([result_rows(parts, self.texts), self.beneath_rows(touched)])
            outcome.new_runs = tables["run_parts"].select(["run_id", "event_seq"]).filter(pa.array(is_new))
        if outcome.postings:
            postings = stacked(outcome.postings)
            tables["charges"], rollups = charge_rows(self.forest, self.texts, self.lines, postings)
            tables["rollups"] = pa.concat_tables([rollups, tables["rollups"]])
        return tables

    def recall(self, spans: NewSpans) -> None:
        """Fold `spans`, all that is known of their traces and posted before."""
        outcome = Outcome()
        self.fold(spans, outcome)
        touched = self.forest.nodes["trace"][np.concatenate([placed["row"] for placed in outcome.placed])]
        result_rows(parts_of(self.forest, touched), self.texts)  # notes what is posted
        self.beneath_rows(touched)  # the same

    def beneath_rows(self, touched: np.ndarray) -> pa.Table:
        """schema.ROLLUPS by which what agents are given of others beneath them changes, in the traces `touched`."""
        return self._beneath.rows(self.forest, self.texts, self.lines, distinct(touched, self.forest.traces.rows))

    @property
    def has_links(self) -> bool:
        """Whether calls have views in several traces, so that an event changes rows of traces it brings nothing of."""
        return self._twins.across

    def linked(self, new: NewSpans, trace: np.ndarray) -> np.ndarray:
        """Which of `new`, each with the number of its `trace`, belong to traces that share a response with another,
        among `new` or open, or that hold what stands apart."""
        naming, others = self._twins.linking(self.forest, new)
        marked = np.append(self.forest.traces["linked"][: self.forest.traces.rows], False)
        marked[others] = True
        own = self.forest.find_traces(new.tenant, new.trace_hi, new.trace_lo)
        found: np.ndarray = np.isin(trace, trace[naming]) | marked[own]
        return found

    def knows(self, tenants: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """Which responses open traces name; where one does, all traces of the ledger that name it are open."""
        return self._twins.knows(self.forest, tenants, responses)

    def knows_moments(self, tenants: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """The same of what stands apart (calls.apart)."""
        return self._twins.knows_moments(tenants, moments)

    def named(self, new: NewSpans) -> list[tuple[str, np.ndarray]]:
        """Columns of `new`, which are folded, with the positions of what is to be found again by them."""
        rows = self.forest.rows_of(new)
        return [("response", self._twins.named(self.forest, rows)), ("moment", self._twins.apart(self.forest, rows))]

    def touch(self, traces: np.ndarray) -> None:
        """Note that these trace rows are in use, so that they are forgotten last."""
        self.forest.traces["touched"][traces] = self._round

    def forget(self, keep_rows: int, keep_text: int) -> None:
        """Keep no more than about `keep_rows` spans, of the traces that were touched last, and `keep_text` characters.

        To forget takes as long as what is kept is large. So where something has to go, more than that goes: else a few
        spans went with every commit, and each commit took as long."""
        rows = self.forest.nodes.rows
        if self.texts.characters > keep_text:
            keep_rows = min(keep_rows, rows // 2)
        if rows <= keep_rows:
            return
        renumber = self.forest.evict(keep_rows * KEPT_OF_FOUR // 4, lambda: self._twins.linked(self.forest))
        if renumber is None:
            return
        self._nesting.renumber(renumber)
        self._beneath.forget(self.forest)
        self._twins.renumber(self.forest, renumber)
        self._forget_lines()
        nodes, n = self.forest.nodes, self.forest.nodes.rows
        for name, columns in _CODED.items():
            kept = [nodes[column][:n] for column in columns]
            if name == "conversation":
                kept.append(self.forest.traces["talk"][: self.forest.traces.rows])
            getattr(self.texts, name).keep(kept)
        self._forget_named_runs()

    def _forget_lines(self) -> None:
        """Keep the lines of every view, and those of bookings that are not the lines of the view that bills."""
        nodes, n = self.forest.nodes, self.forest.nodes.rows
        booked = np.flatnonzero(nodes["b_row"][:n] >= 0)
        restated = booked[nodes["b_report"][booked] >= 0]
        count = np.concatenate([nodes["line_count"][:n], nodes["b_line_count"][restated]])
        _, _, kept = spread(np.concatenate([nodes["line_first"][:n], nodes["b_line_first"][restated]]), count)
        self.lines.keep(kept)
        first = np.cumsum(count) - count
        nodes["line_first"][:n] = first[:n]
        nodes["b_line_first"][booked] = nodes["line_first"][nodes["b_row"][booked]]
        nodes["b_line_first"][restated] = first[n:]

    def _forget_named_runs(self) -> None:
        """Placed and booked runs are codes under the rules RUN_CODED only; under the others they are rows."""
        nodes, n = self.forest.nodes, self.forest.nodes.rows
        coded = [(run, np.flatnonzero(np.isin(nodes[rule][:n], RUN_CODED))) for rule, run in RUN_COLUMNS]
        codes = [nodes[run][where] for run, where in coded]
        self.texts.run.keep([*(nodes[name][:n] for name in _RUN_NAMES), *codes])
        for (run, where), kept in zip(coded, codes, strict=True):
            nodes[run][where] = kept

"""The traces now open: their forest, texts and priced lines, and how one round of spans is folded into them.

All of it is a cache: what a late span needs can be read back from the ledger (`reload`).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.calls.forest import Forest, NewSpans
from ledger.calls.inherit import inherit
from ledger.calls.owner import Nesting, decide
from ledger.calls.place import place
from ledger.post.booking import book
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.placing import placement_rows, superseded_rows

_CODED = {
    "agent": ("own_agent", "agent", "p_agent", "b_agent"),
    "conversation": ("own_conversation", "conversation", "p_conversation"),
    "user": ("own_user", "user", "p_user", "b_user"),
    "team": ("own_team", "team", "p_team", "b_team"),
    "service": ("service",),
    "environment": ("environment",),
    "provider": ("provider",),
    "model": ("model",),
    "tool": ("tool",),
}
"""Texts that grow with what is sent -> forest columns that hold their codes. Tenants and explicit runs are few."""


@dataclass(frozen=True)
class Folded:
    """What one round adds to the tables; rollups are still to be summed."""

    placements: pa.Table
    superseded: pa.Table
    charges: pa.Table
    rollups: pa.Table


class OpenTraces:
    def __init__(self) -> None:
        self.forest = Forest()
        self.texts = Texts()
        self.lines = LineStore()
        self._nesting = Nesting()
        self._round = 0

    def fold(self, spans: NewSpans) -> Folded:
        """Add spans of one round, none known before, and tell what follows from them."""
        forest, texts = self.forest, self.texts
        self._round += 1
        rows = forest.add(spans, self._round)
        below = forest.levels(rows)
        everyone = np.unique(np.concatenate(below))
        outer_before = forest.nodes["outer"][everyone].copy()
        affected = inherit(forest, below)
        real = forest.nodes["real"][everyone]
        decision = decide(forest, self._nesting, affected, outer_before[real])
        called_before = forest.nodes["p_call"][decision.rows].copy()
        change = place(forest, affected, decision)
        superseded = superseded_rows(forest, texts, change)
        charges, rollups = book(forest, texts, self.lines, decision, called_before)
        return Folded(placement_rows(forest, texts, change), superseded, charges, rollups)

    def touch(self, traces: np.ndarray) -> None:
        """Note that these trace rows are in use, so that they are forgotten last."""
        self.forest.traces["touched"][traces] = self._round

    def forget(self, keep_rows: int) -> None:
        """Keep about `keep_rows` spans, those of the traces that were touched last."""
        renumber = self.forest.evict(keep_rows)
        if renumber is None:
            return
        self._nesting.renumber(renumber)
        nodes, n = self.forest.nodes, self.forest.nodes.rows
        _, _, kept = spread(nodes["line_first"][:n], nodes["line_count"][:n])
        self.lines.keep(kept)
        count = nodes["line_count"][:n]
        nodes["line_first"][:n] = np.cumsum(count) - count
        for name, columns in _CODED.items():
            getattr(self.texts, name).keep([nodes[column][:n] for column in columns])

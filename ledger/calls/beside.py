"""Model spans side by side that are suspected to be one call: one parent, two instrumentations, the same moment.

Two may be a pair if at least one of them names no response, their models and tokens agree, and they overlap in time.
The nearest starts are taken together (calls.nearest).
"""

from collections.abc import Callable, Iterable

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.forest import Forest
from ledger.calls.nearest import Nearest, moment_of

NEIGHBOURS = 8
"""Spans to each side, in order of start below one parent, among which the nearest is looked for."""

Agree = Callable[[Columns, int, int], bool]
"""Whether two rows say the same of model and tokens."""


class Beside:
    """Pairs below parents whose model spans come from several instrumentations; such parents are rare."""

    def __init__(self, agree: Agree) -> None:
        self._agree = agree
        self._nearest = Nearest(NEIGHBOURS)
        """A group is named after the row of the parent."""

    def __bool__(self) -> bool:
        return bool(self._nearest)

    def of(self, row: int) -> Iterable[int]:
        return self._nearest.of(row)

    def add(self, forest: Forest, models: np.ndarray) -> set[int]:
        """Take in new model spans. Returns the rows whose pairs changed."""
        nodes = forest.nodes
        rows = models[nodes["parent"][models] >= 0]
        parents, scopes = nodes["parent"][rows], nodes["scope"][rows]
        none_yet = nodes["scope_below"][parents] < 0
        nodes["scope_below"][parents[none_yet]] = scopes[none_yet]
        nodes["mixed"][parents[nodes["scope_below"][parents] != scopes]] = True
        mixed = rows[nodes["mixed"][parents]]
        if not len(mixed):
            return set()
        return self._nearest.settle(
            nodes["scope"], lambda one, other: self._fits(nodes, one, other), self._put(forest, mixed)
        )

    def renumber(self, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept: all below a parent, or none."""
        self._nearest.renumber(renumber, lambda parent: int(renumber[parent]))

    def _put(self, forest: Forest, rows: np.ndarray) -> set[int]:
        """Bring `rows` into the order of start. Returns those whose neighbours are others now."""
        nodes, moved = forest.nodes, set[int]()
        for row, parent in zip(rows.tolist(), nodes["parent"][rows].tolist(), strict=True):
            first = parent not in self._nearest.groups
            for child in forest.model_children(parent) if first else [row]:
                if not self._nearest.holds(child):
                    moved |= self._nearest.put(parent, moment_of(nodes, "began_ns", child))
        return moved

    def _fits(self, nodes: Columns, one: int, other: int) -> bool:
        if nodes["response"][one] and nodes["response"][other]:
            return False
        if nodes["model"][one] < 0 or nodes["model"][other] < 0:
            return False  # a suspicion needs something that is the same
        overlap = min(nodes["ended_ns"][one], nodes["ended_ns"][other]) >= max(
            nodes["began_ns"][one], nodes["began_ns"][other]
        )
        return bool(overlap) and self._agree(nodes, one, other)

"""Model spans side by side that are suspected to be one call: one parent, two instrumentations, the same moment.

Two are a pair if at least one of them names no response, their models and tokens agree, they overlap in time, and each
is the nearest to the other among the neighbours in order of start. Which pairs there are follows from the spans known,
never from how they came in.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.forest import Forest

NEIGHBOURS = 8
"""Spans to each side, in order of start below one parent, among which the nearest is looked for."""

Agree = Callable[[Columns, int, int], bool]
"""Whether two rows say the same of model and tokens."""
Start = tuple[int, int, int]
"""Start of a span, ns, its id, and its row."""


class Beside:
    """Pairs below parents whose model spans come from several instrumentations; such parents are rare."""

    def __init__(self, agree: Agree) -> None:
        self._agree = agree
        self._below: dict[int, list[Start]] = {}
        self._pairs: dict[int, set[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def of(self, row: int) -> Iterable[int]:
        return self._pairs.get(row, ())

    def add(self, forest: Forest, models: np.ndarray) -> set[int]:
        """Take in new model spans. Returns the rows whose pairs changed."""
        nodes = forest.nodes
        rows = models[nodes["parent"][models] >= 0]
        parents, scopes = nodes["parent"][rows], nodes["scope"][rows]
        none_yet = nodes["scope_below"][parents] < 0
        nodes["scope_below"][parents[none_yet]] = scopes[none_yet]
        nodes["mixed"][parents[nodes["scope_below"][parents] != scopes]] = True
        mixed = rows[nodes["mixed"][parents]]
        return self._settle(nodes, self._put(forest, mixed)) if len(mixed) else set()

    def renumber(self, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept: all below a parent, or none."""
        self._below = {
            int(renumber[parent]): [(start, span, int(renumber[row])) for start, span, row in starts]
            for parent, starts in self._below.items()
            if renumber[parent] >= 0
        }
        self._pairs = {
            int(renumber[row]): {int(renumber[other]) for other in others}
            for row, others in self._pairs.items()
            if renumber[row] >= 0
        }

    def _put(self, forest: Forest, rows: np.ndarray) -> set[int]:
        """Bring `rows` into the order of start. Returns those whose neighbours are others now."""
        nodes, moved = forest.nodes, set[int]()
        for row, parent in zip(rows.tolist(), nodes["parent"][rows].tolist(), strict=True):
            below = self._below.get(parent)
            if below is None:
                self._below[parent] = sorted(_start(nodes, child) for child in forest.model_children(parent))
                moved |= {child for _, _, child in self._below[parent]}
            elif not _holds(below, start := _start(nodes, row)):
                insort(below, start)
                moved |= {neighbour for _, _, neighbour in _window(below, start)}
        return moved

    def _settle(self, nodes: Columns, moved: set[int]) -> set[int]:
        nearest = _Nearest(nodes, self._agree, self._below)
        touched = set[int]()
        for row in moved:
            before = self._pairs.get(row, set())
            now = {other for other in nearest.of(row).values() if row in nearest.of(other).values()}
            if now != before:
                touched |= {row} | now | before
                for gone in before - now:
                    self._pairs[gone].discard(row)
                for come in now:
                    self._pairs.setdefault(come, set()).add(row)
                self._pairs[row] = now
        return touched


class _Nearest:
    """The nearest to each row in each other instrumentation, found once."""

    def __init__(self, nodes: Columns, agree: Agree, below: dict[int, list[Start]]) -> None:
        self._nodes, self._agree, self._below = nodes, agree, below
        self._known: dict[int, dict[int, int]] = {}

    def of(self, row: int) -> dict[int, int]:
        """Scope -> nearest row."""
        if row not in self._known:
            start = _start(self._nodes, row)
            window = _window(self._below[int(self._nodes["parent"][row])], start)
            near = sorted((abs(began - start[0]), span, other) for began, span, other in window)
            fitting = [other for _, _, other in reversed(near) if self._fits(row, other)]
            self._known[row] = {int(self._nodes["scope"][other]): other for other in fitting}  # the nearest stays
        return self._known[row]

    def _fits(self, one: int, other: int) -> bool:
        nodes = self._nodes
        if nodes["scope"][one] == nodes["scope"][other] or (nodes["response"][one] and nodes["response"][other]):
            return False
        if nodes["model"][one] < 0 or nodes["model"][other] < 0:
            return False  # a suspicion needs something that is the same
        overlap = min(nodes["ended_ns"][one], nodes["ended_ns"][other]) >= max(
            nodes["began_ns"][one], nodes["began_ns"][other]
        )
        return bool(overlap) and self._agree(nodes, one, other)


def _start(nodes: Columns, row: int) -> Start:
    return int(nodes["began_ns"][row]), int(nodes["span"][row]), row


def _holds(below: Sequence[Start], start: Start) -> bool:
    at = bisect_left(below, start)
    return at < len(below) and below[at] == start


def _window(below: Sequence[Start], start: Start) -> Sequence[Start]:
    """The neighbours of `start`, itself among them."""
    at = bisect_left(below, start)
    return below[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1]

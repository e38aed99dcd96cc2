"""Views of one call that name neither a response nor each other's span: a command-line agent's spans and log records.

Two are one call if they are of one service and conversation and count the same input tokens, their models agree, and a
log record was written while the span lasted or just after it. What they say of the output is not compared: Gemini CLI's
spans leave the thoughts out and do not say so. The nearest are taken together (calls.nearest). What may be one call is
decided about together: views of a group, so their traces are open together and forgotten together.
"""

from collections.abc import Callable, Iterable

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.forest import SPAN, Forest
from ledger.calls.index import mix
from ledger.calls.nearest import Nearest, moment_of

BEFORE_NS_MAX = 1_000_000_000
"""A log record may be written so long before its span begins: clocks differ."""
AFTER_NS_MAX = 2_000_000_000
"""So long after its span ended, or from another log record of the call."""
WITHIN_NS_MAX = 60_000_000_000
"""And so long before its span ended: it is written when the answer is there."""
GROUP_MAX = 1_024
"""Views of one group that are compared, the first in journal order. More are calls of their own."""

NEIGHBOURS = 32
"""Views to each side, in order of their end within one group, among which the nearest is looked for. Those of other
conversations lie between them."""

SameModel = Callable[[int, int], bool]
"""Whether two codes of models mean one model."""


class Moments:
    """Pairs among the rows that stand apart, in groups of one tenant and forest column `moment` (see calls.apart)."""

    def __init__(self, same_model: SameModel) -> None:
        self._same_model = same_model
        self._nearest = Nearest(NEIGHBOURS)
        self.across = False
        """Whether a group ever lay in several traces."""

    def __bool__(self) -> bool:
        return bool(self._nearest)

    def of(self, row: int) -> Iterable[int]:
        return self._nearest.of(row)

    def holds(self, rows: np.ndarray) -> np.ndarray:
        """Which of `rows` are compared with others."""
        return np.array([self._nearest.holds(row) for row in rows.tolist()], dtype=np.bool_)

    def knows(self, tenants: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """Whether views of these groups are open, and with them all that the ledger has."""
        if not self._nearest.groups:
            return np.zeros(len(moments), dtype=np.bool_)
        return np.array([group in self._nearest.groups for group in mix(moments, tenants).tolist()], dtype=np.bool_)

    def follow(self, forest: Forest, rows: np.ndarray) -> set[int]:
        """Take in those of `rows` that are new, and follow what the others have inherited. Returns the rows whose pairs
        changed."""
        nodes = forest.nodes
        apart = rows[nodes["moment"][rows] != 0]
        if not len(apart):
            return set()
        trace = nodes["trace"][apart]
        forest.traces["linked"][trace] = True
        groups = mix(nodes["moment"][apart], forest.traces["tenant"][trace])
        moved = set[int]()
        for row, group in zip(apart.tolist(), groups.tolist(), strict=True):
            moved |= self._nearest.around(row) if self._nearest.holds(row) else self._put(forest, group, row)
        return self._nearest.settle(nodes["scope"], lambda one, other: self._fits(forest, one, other), moved)

    def groups(self) -> list[list[int]]:
        """The rows of each group."""
        return [[row for _, _, row in members] for members in self._nearest.groups.values()]

    def renumber(self, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept: all of a group, or none."""
        self._nearest.renumber(renumber, lambda group: group)

    def _put(self, forest: Forest, group: int, row: int) -> set[int]:
        moved, trace = self._nearest.put(group, moment_of(forest.nodes, "ended_ns", row)), forest.nodes["trace"]
        members = self._nearest.groups[group]
        self.across |= bool(trace[members[0][2]] != trace[members[-1][2]] or trace[row] != trace[members[0][2]])
        if len(members) > GROUP_MAX:
            moved |= self._nearest.drop(max((member for _, _, member in members), key=forest.order))
        return moved

    def _fits(self, forest: Forest, one: int, other: int) -> bool:
        nodes, tenant = forest.nodes, forest.traces["tenant"]
        if nodes["conversation"][one] < 0 or tenant[nodes["trace"][one]] != tenant[nodes["trace"][other]]:
            return False
        if any(nodes[name][one] != nodes[name][other] for name in ("conversation", "service", "input_tokens")):
            return False
        return _at_one_moment(nodes, one, other) and self._same_model(
            int(nodes["model"][one]), int(nodes["model"][other])
        )


def _at_one_moment(nodes: Columns, one: int, other: int) -> bool:
    """Whether a log record was written when the span's call was, or two log records of one call were."""
    log, view = (other, one) if nodes["signal"][one] == SPAN else (one, other)
    if nodes["signal"][log] == SPAN:
        return False  # what two spans say of each other is in their ids
    before = AFTER_NS_MAX
    if nodes["signal"][view] == SPAN:
        lasted = int(nodes["ended_ns"][view]) - int(nodes["began_ns"][view])
        before = min(lasted + BEFORE_NS_MAX, WITHIN_NS_MAX)
    return -before <= int(nodes["ended_ns"][log]) - int(nodes["ended_ns"][view]) <= AFTER_NS_MAX

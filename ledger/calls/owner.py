"""Which view bills, where model spans lie within model spans.

A model span with a model span below it, reached without crossing a tool, an agent or a workflow, is another sighting of
the same call or calls. The innermost ones are the calls (retries and fallbacks are one each); usage that only an outer
span knows is billed on the earliest inner call that did not fail. `call` is named after its earliest view.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.forest import Forest
from ledger.calls.roles import MODEL, TOOL
from ledger.calls.rules import AROUND, CARRIES_USAGE, INNERMOST, SOLE, USAGE_FROM_AROUND


@dataclass
class Decision:
    """One row a view: rows, call (row of the earliest view), billed, reason, duplicate_of (row that bills, or -1)."""

    rows: np.ndarray
    call: np.ndarray
    billed: np.ndarray
    reason: np.ndarray
    duplicate_of: np.ndarray


@dataclass
class _Call:
    billing: int
    views: list[int]
    reasons: dict[int, int] = field(default_factory=dict)


class Nesting:
    """Which model spans lie directly within which; only nested ones are held, and they are rare."""

    def __init__(self) -> None:
        self._inner: dict[int, set[int]] = {}

    def move(self, forest: Forest, rows: np.ndarray, outer_before: np.ndarray) -> list[int]:
        """Note that `rows` now lie where their `outer` says. Returns the outermost rows whose groups are touched."""
        outer = forest.nodes["outer"]
        moved = (outer[rows] >= 0) | (outer_before >= 0)
        pairs = list(zip(rows[moved].tolist(), outer_before[moved].tolist(), outer[rows[moved]].tolist(), strict=True))
        for row, before, now in pairs:
            if before >= 0 and before != now:
                self._leave(row, before)
            if now >= 0:
                self._inner.setdefault(now, set()).add(row)
        touched = {member for pair in pairs for member in pair if member >= 0}
        if self._inner:
            touched |= self._inner.keys() & set(rows.tolist())
        return _outermost(outer, touched)

    def renumber(self, renumber: np.ndarray) -> None:
        self._inner = {
            int(renumber[outer]): {int(renumber[row]) for row in rows}
            for outer, rows in self._inner.items()
            if renumber[outer] >= 0
        }

    def inner(self, row: int) -> Iterable[int]:
        return self._inner.get(row, ())

    def _leave(self, row: int, outer: int) -> None:
        members = self._inner[outer]
        members.discard(row)
        if not members:
            del self._inner[outer]


def decide(forest: Forest, nesting: Nesting, rows: np.ndarray, outer_before: np.ndarray) -> Decision:
    """Decide about all views among `rows` (real rows brought up to date) and about the groups they touch.

    `outer_before`: the `outer` of each of `rows` before it was brought up to date.
    """
    nodes = forest.nodes
    is_view = np.isin(nodes["role"][rows], (MODEL, TOOL))
    tops = nesting.move(forest, rows[is_view], outer_before[is_view])
    views = rows[is_view]
    if not tops:
        return _sole(views)
    grouped = [_group(nodes, nesting, top) for top in tops]
    members = np.array([row for calls in grouped for call in calls for row in call.views], dtype=np.int64)
    return _join(_sole(np.setdiff1d(views, members)), [call for calls in grouped for call in calls], nodes)


def _sole(rows: np.ndarray) -> Decision:
    n = len(rows)
    return Decision(rows, rows, np.ones(n, dtype=np.bool_), np.full(n, SOLE, np.uint8), np.full(n, -1, np.int64))


def _outermost(outer: np.ndarray, rows: Iterable[int]) -> list[int]:
    """Tops of the groups that `rows` are in; each span on the way is walked once, however deep the nesting."""
    tops, seen = set[int](), set[int]()
    for start in rows:
        row = start
        while row not in seen and outer[row] >= 0:
            seen.add(row)
            row = int(outer[row])
        if row not in seen:
            seen.add(row)
            tops.add(row)
    return sorted(tops)


def _group(nodes: Columns, nesting: Nesting, top: int) -> list[_Call]:
    """Calls of the group whose outermost view is `top`."""
    order = [top]
    for row in order:  # grows while it is read: outer views before inner ones
        order.extend(sorted(nesting.inner(row)))
    calls_of: dict[int, list[_Call]] = {}
    for row in reversed(order):
        within = [call for inner in sorted(nesting.inner(row)) for call in calls_of[inner]]
        calls_of[row] = _attach(nodes, row, within) if within else [_Call(row, [row], {row: INNERMOST})]
    calls = calls_of[top]
    if len(order) == 1:
        calls[0].reasons[top] = SOLE
    return calls


def _attach(nodes: Columns, row: int, calls: list[_Call]) -> list[_Call]:
    """`row` lies around `calls`: another view of the earliest that it may speak for."""
    known = [call for call in calls if nodes["has_usage"][call.billing]]
    alive = [call for call in calls if not nodes["failed"][call.billing]]
    target = min(known or alive or calls, key=lambda call: _order(nodes, call.billing))
    target.views.append(row)
    if not known and nodes["has_usage"][row]:
        target.reasons[target.billing] = USAGE_FROM_AROUND
        target.reasons[row], target.billing = CARRIES_USAGE, row
    else:
        target.reasons[row] = AROUND
    return calls


def _order(nodes: Columns, row: int) -> tuple[int, int]:
    return int(nodes["source_seq"][row]), int(nodes["span_index"][row])


def _join(sole: Decision, calls: list[_Call], nodes: Columns) -> Decision:
    lines = []
    for call in calls:
        earliest = min(call.views, key=lambda row: _order(nodes, row))
        for row in call.views:
            billed = row == call.billing
            lines.append((row, earliest, billed, call.reasons[row], -1 if billed else call.billing))
    columns = [np.array(column) for column in zip(*lines, strict=True)]
    return Decision(
        rows=np.concatenate([sole.rows, columns[0]]),
        call=np.concatenate([sole.call, columns[1]]),
        billed=np.concatenate([sole.billed, columns[2].astype(np.bool_)]),
        reason=np.concatenate([sole.reason, columns[3].astype(np.uint8)]),
        duplicate_of=np.concatenate([sole.duplicate_of, columns[4]]),
    )

"""Which view bills, where model spans lie within model spans, and tools within tools.

A model span with a model span below it, reached without crossing a tool, an agent or a workflow, is another sighting of
the same call or calls. The innermost ones are the calls (retries and fallbacks are one each); usage that only an outer
span knows is billed on the earliest inner call that did not fail. Calls whose views are twins (calls.twins) are one
call, billed by the view that knows most. `call` is named after its earliest view.

A tool with a tool below it that is the same execution (calls.inherit) is one call with it. The outermost bills, for it
is what the agent waited for and has what it got back; tries within it are no calls of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from ledger.calls import readings, settled
from ledger.calls.columns import Columns
from ledger.calls.forest import METRIC, SETTLEMENT, Forest
from ledger.calls.roles import MODEL, TOOL
from ledger.calls.rules import (
    AROUND,
    CARRIES_USAGE,
    INNERMOST,
    KNOWS_MOST,
    NO_VIEW,
    OUTERMOST,
    SAME_EXECUTION,
    SOLE,
    USAGE_FROM_AROUND,
)
from ledger.calls.twins import Twins, tokens_agree


@dataclass
class Decision:
    """One row a view: rows, call (row of the earliest view), billed, reason, duplicate_of (row that bills, or -1), and
    payer: the row whose agent, run, conversation, user and team it is placed and booked on, and reporter: the row whose
    reported cost is that of the call, -1 where the lines of the view that bills say it, or nobody does."""

    rows: np.ndarray
    call: np.ndarray
    billed: np.ndarray
    reason: np.ndarray
    duplicate_of: np.ndarray
    payer: np.ndarray
    reporter: np.ndarray

    def and_of(self, more: Mapping[str, np.ndarray]) -> "Decision":
        """This, and what `more` says in the same columns of other views."""
        return Decision(*(np.concatenate([getattr(self, one.name), more[one.name]]) for one in fields(self)))


@dataclass(eq=False)
class _Call:
    billing: int
    views: list[int]
    reasons: dict[int, int] = field(default_factory=dict)
    payer: int = -1
    """Whose agent and run it is booked on; -1: those of the view that bills."""


Ranks = Columns | Mapping[str, Sequence[int]]
"""Columns of the forest, or what stands for them."""
Rank = tuple[int, int, int]
"""How well a call may be spoken for by a view around it; the least is chosen: usage known, else not failed, else any,
and then the earliest."""


def rank_of(nodes: Columns, row: int) -> Rank:
    """Rank of a call that `row` bills."""
    worth = 0 if nodes["has_usage"][row] else 1 if not nodes["failed"][row] else 2
    return worth, int(nodes["source_seq"][row]), int(nodes["span_index"][row])


class Nesting:
    """Which sightings lie directly within which; only nested ones are held, and they are rare."""

    def __init__(self) -> None:
        self._inner: dict[int, set[int]] = {}
        self.speaks_for: dict[int, Rank] = {}
        """Rank of the call that each outer row was attached to, when its group was decided last."""

    def move(self, forest: Forest, rows: np.ndarray, outer_before: np.ndarray) -> tuple[list[int], list[int]]:
        """Note that `rows` now lie where their `outer` says.

        Returns the outermost rows whose groups are touched, and rows that join a group and change nothing else in it:
        a group of many thousand is not decided anew for each call that is added to it.
        """
        outer = forest.nodes["outer"]
        moved = (outer[rows] >= 0) | (outer_before >= 0)
        pairs = list(zip(rows[moved].tolist(), outer_before[moved].tolist(), outer[rows[moved]].tolist(), strict=True))
        for row, before, now in pairs:
            if before >= 0 and before != now:
                self._leave(row, before)
            if now >= 0:
                self._inner.setdefault(now, set()).add(row)
        if not pairs and not self._inner:
            return [], []
        brought_up = set(rows.tolist())
        joined = [
            row for row, before, now in pairs if before < 0 and self._only_joins(forest.nodes, row, now, brought_up)
        ]
        touched = {member for pair in pairs for member in pair if member >= 0} if len(joined) < len(pairs) else set()
        if joined and touched:
            alone = set(joined)
            touched = {member for pair in pairs if pair[0] not in alone for member in pair if member >= 0}
        return _outermost(outer, touched | (self._inner.keys() & brought_up)), joined

    def _only_joins(self, nodes: Columns, row: int, outer: int, brought_up: set[int]) -> bool:
        """Whether the call `row`, new directly within `outer`, is one that none of the views around it speaks for."""
        if row in self._inner:
            return False
        rank = rank_of(nodes, row)
        while outer >= 0:
            best = self.speaks_for.get(outer)
            if best is None or outer in brought_up or rank < best:
                return False
            outer = int(nodes["outer"][outer])
        return True

    def renumber(self, renumber: np.ndarray) -> None:
        self._inner = {
            int(renumber[outer]): {int(renumber[row]) for row in rows}
            for outer, rows in self._inner.items()
            if renumber[outer] >= 0
        }
        self.speaks_for = {int(renumber[row]): rank for row, rank in self.speaks_for.items() if renumber[row] >= 0}

    def inner(self, row: int) -> Iterable[int]:
        return self._inner.get(row, ())

    def group(self, top: int) -> list[int]:
        """`top` and all rows within it, outer ones before inner ones."""
        order = [top]
        for row in order:  # grows while it is read
            order.extend(sorted(self.inner(row)))
        return order

    def _leave(self, row: int, outer: int) -> None:
        members = self._inner[outer]
        members.discard(row)
        if not members:
            del self._inner[outer]
            self.speaks_for.pop(outer, None)


def decide(forest: Forest, nesting: Nesting, twins: Twins, rows: np.ndarray, outer_before: np.ndarray) -> Decision:
    """Decide about all views among `rows` (real rows brought up to date) and about the groups they touch.

    `outer_before`: the `outer` of each of `rows` before it was brought up to date.
    """
    nodes = forest.nodes
    signal = nodes["signal"][rows]
    if (signal >= METRIC).any():
        told = decide(forest, nesting, twins, rows[signal < METRIC], outer_before[signal < METRIC])
        told = told.and_of(readings.decided(forest, rows[signal == METRIC]))
        return told.and_of(settled.decided(forest, rows[signal == SETTLEMENT]))
    is_view = np.isin(nodes["role"][rows], (MODEL, TOOL))
    tops, joined = nesting.move(forest, rows[is_view], outer_before[is_view])
    views = rows[is_view]
    paired = twins.touched(nodes, views)
    if not tops and not paired:
        return _sole(nodes, views, joined)
    calls = [call for group in _together(forest, nesting, twins, tops, paired) for call in group]
    members = np.array([row for call in calls for row in call.views], dtype=np.int64)
    return _join(_sole(nodes, np.setdiff1d(views, members), joined), calls, forest)


def _together(
    forest: Forest, nesting: Nesting, twins: Twins, tops: list[int], paired: set[int]
) -> Iterator[list[_Call]]:
    """Calls of the groups of `tops` and of the rows `paired`, with the groups that twins connect them to."""
    nodes, traces = forest.nodes, forest.traces
    if not twins:
        yield from (_group(nodes, nesting, top) for top in tops)
        return
    seen = set[int]()
    for start in _outermost(nodes["outer"], (*tops, *sorted(paired))):
        if start in seen:
            continue
        connected = [start]
        seen.add(start)
        for top in connected:  # grows while it is read
            rows = [twin for row in nesting.group(top) for twin in twins.of(forest, row)]
            further = [other for other in _outermost(nodes["outer"], rows) if other not in seen]
            seen.update(further)
            connected.extend(further)
        linked = nodes["trace"][connected]
        for name in ("event_seq", "touched"):  # of the event that connects or changes them
            traces[name][linked] = traces[name][linked].max()
        yield _merged(forest, twins, [call for top in connected for call in _group(nodes, nesting, top)])


def _merged(forest: Forest, twins: Twins, calls: list[_Call]) -> list[_Call]:
    """`calls`, those of them that are one call taken together."""
    kept, holder = list[_Call](), dict[int, _Call]()
    for call in sorted(calls, key=lambda call: min(map(forest.order, call.views))):
        met = {id(holder[twin]): holder[twin] for row in call.views for twin in twins.of(forest, row) if twin in holder}
        kept.append(call)
        for other in sorted(met.values(), key=kept.index):  # it may show that two which were kept apart are one
            reason = twins.reason(forest, other.views, call.views)
            if reason != NO_VIEW:
                first, later = sorted((other, call), key=kept.index)
                _fold(forest.nodes, first, later, reason)
                kept.remove(later)
                call = first
        holder.update(dict.fromkeys(call.views, call))
    return kept


def _fold(nodes: Columns, call: _Call, other: _Call, reason: int) -> None:
    """Make `other` a part of `call`: of their two views that bill the one stays that knows more."""
    loser, winner = sorted((call.billing, other.billing), key=lambda row: _worth(nodes, row))
    call.views += other.views
    call.reasons |= other.reasons
    call.reasons[winner], call.reasons[loser], call.billing = KNOWS_MOST, reason, winner
    call.payer = max(call.views, key=lambda row: _nearness(nodes, row))


def _worth(nodes: Columns, row: int) -> tuple[int, ...]:
    """How well a view may speak for its call; the same whatever came first."""
    ranks = [int(nodes[name][row]) for name in ("units", "authority")]
    last = -int(nodes["signal"][row]), -int(nodes["failed"][row]), *_earlier(nodes, row)
    return int(nodes["has_usage"][row]), int(nodes["model"][row] >= 0), *ranks, *last


def _nearness(nodes: Columns, row: int) -> tuple[int, ...]:
    """How well a view knows who called: the outer of two does, and the less it is the provider's own the better."""
    known = [int(nodes[name][row] >= 0) for name in ("agent", "conversation", "user")]
    return *known, -int(nodes["signal"][row]), -int(nodes["authority"][row]), *_earlier(nodes, row)


def reporters(forest: Forest, calls: np.ndarray) -> np.ndarray:
    """The reporter (Decision) of each of `calls`, which stand, by what their views state now. Looks at all rows."""
    nodes, n = forest.nodes, forest.nodes.rows
    metered = np.flatnonzero(nodes["metered"][:n])
    views: dict[int, list[int]] = {call: [] for call in calls.tolist()}
    for row, call in zip(metered.tolist(), nodes["p_call"][metered].tolist(), strict=True):
        if call in views:
            views[call].append(row)
    found = [_reporter(nodes, views[call], int(nodes["b_row"][call])) for call in calls.tolist()]
    return np.array(found, dtype=np.int64)


def _reporter(nodes: Columns, views: list[int], billing: int) -> int:
    """The view whose reported cost is that of the call, where the lines of the one that bills do not say it: the
    nearest to the provider of those who bill or meter the call. An estimate counts only for the view that makes it;
    of metrics' readings the last has what the others state."""
    metered = [row for row in views if nodes["metered"][row] and (row == billing or nodes["signal"][row] != METRIC)]
    best = max(metered, key=lambda row: word(nodes, row, billing), default=billing)
    return -1 if best == billing and not nodes["greater"][best] else best


def word(nodes: Ranks, row: int, billing: int) -> tuple[int, ...]:
    """How well a view may say what its call cost; the greatest does."""
    return int(nodes["authority"][row]), int(row == billing), -int(nodes["signal"][row]), *_earlier(nodes, row)


def _earlier(nodes: Ranks, row: int) -> tuple[int, ...]:
    """What tells views apart that are else worth the same: start and id, and at last the journal."""
    return tuple(-int(nodes[name][row]) for name in ("began_ns", "span", "source_seq", "span_index"))


def _sole(nodes: Columns, rows: np.ndarray, joined: list[int]) -> Decision:
    """Each of `rows` is a call, and its only view; `joined` lie within others."""
    n = len(rows)
    reason = np.where(np.isin(rows, joined), INNERMOST, SOLE).astype(np.uint8)
    none = np.full(n, -1, np.int64)
    reporter = np.where(nodes["greater"][rows], rows, -1)  # the greater of two costs is found as another view's report
    return Decision(rows, rows, np.ones(n, dtype=np.bool_), reason, none, rows, reporter)


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
    order = nesting.group(top)
    if nodes["role"][top] == TOOL:
        return [_execution(nodes, nesting, order)]
    calls_of: dict[int, list[_Call]] = {}
    for row in reversed(order):
        within = [call for inner in sorted(nesting.inner(row)) for call in calls_of[inner]]
        calls_of[row] = _attach(nodes, nesting, row, within) if within else [_Call(row, [row], {row: INNERMOST})]
    calls = calls_of[top]
    if len(order) == 1:
        calls[0].reasons[top] = SOLE
    return calls


def _execution(nodes: Columns, nesting: Nesting, views: list[int]) -> _Call:
    """The call that `views` (outer ones before inner ones) tell of: the outermost that names the tool bills."""
    level = views[:1]
    while level and not any(nodes["tool"][row] >= 0 for row in level):
        level = [inner for row in level for inner in nesting.inner(row)]
    named = [row for row in level if nodes["tool"][row] >= 0]
    billing = min(named, key=lambda row: rank_of(nodes, row)[1:], default=views[0])
    reasons = dict.fromkeys(views, SAME_EXECUTION) | {billing: OUTERMOST if len(views) > 1 else SOLE}
    return _Call(billing, views, reasons)


def _attach(nodes: Columns, nesting: Nesting, row: int, calls: list[_Call]) -> list[_Call]:
    """`row` lies around `calls`: another view of the earliest that it may speak for."""
    ranks = [rank_of(nodes, call.billing) for call in calls]
    best = min(ranks)
    target = calls[ranks.index(best)]
    nesting.speaks_for[row] = best
    target.views.append(row)
    if _knows_more(nodes, row, target.billing):
        target.reasons[target.billing] = USAGE_FROM_AROUND
        target.reasons[row], target.billing = CARRIES_USAGE, row
    else:
        target.reasons[row] = AROUND
    return calls


def _knows_more(nodes: Columns, outer: int, inner: int) -> bool:
    """Whether `outer` alone knows usage, or the same tokens in more detail."""
    if not nodes["has_usage"][outer]:
        return False
    detail = nodes["units"][outer] > nodes["units"][inner] and tokens_agree(nodes, outer, inner)
    return bool(not nodes["has_usage"][inner] or detail)


def _join(sole: Decision, calls: list[_Call], forest: Forest) -> Decision:
    lines = []
    for call in calls:
        earliest, reporter = min(call.views, key=forest.order), _reporter(forest.nodes, call.views, call.billing)
        for row in call.views:
            billed = row == call.billing
            payer = call.payer if call.payer >= 0 else row
            lines.append((row, earliest, billed, call.reasons[row], -1 if billed else call.billing, payer, reporter))
    columns = [np.array(column) for column in zip(*lines, strict=True)]
    return sole.and_of(
        {
            "rows": columns[0],
            "call": columns[1],
            "billed": columns[2].astype(np.bool_),
            "reason": columns[3].astype(np.uint8),
            "duplicate_of": columns[4],
            "payer": columns[5],
            "reporter": columns[6],
        }
    )

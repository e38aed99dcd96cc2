"""Rows of a group in order of time, and which of them are the nearest to each other.

Two are a pair if they fit, and each is the nearest to the other among its neighbours. Which pairs there are follows
from the rows known, never from how they came in.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ledger.calls.columns import Columns

Moment = tuple[int, int, int]
"""Time of a row, ns, the id of its span, and the row."""
Fits = Callable[[int, int], bool]
"""Whether two rows may be a pair."""


class Nearest:
    """Pairs in groups, which are named by numbers. `neighbours`: rows to each side, in order of time within one group,
    among which the nearest is looked for."""

    def __init__(self, neighbours: int) -> None:
        self._neighbours = neighbours
        self.groups: dict[int, list[Moment]] = {}
        self._group_of: dict[int, tuple[int, Moment]] = {}
        self._pairs: dict[int, set[int]] = {}

    def __bool__(self) -> bool:
        return any(self._pairs.values())

    def of(self, row: int) -> Iterable[int]:
        """The rows that `row` is a pair with: one of each instrumentation at most."""
        return self._pairs.get(row, ())

    def holds(self, row: int) -> bool:
        return row in self._group_of

    def put(self, group: int, moment: Moment) -> set[int]:
        """Bring a row into its group. Returns the rows whose neighbours are others now."""
        members = self.groups.setdefault(group, [])
        insort(members, moment)
        self._group_of[moment[2]] = group, moment
        return self.around(moment[2])

    def drop(self, row: int) -> set[int]:
        """Take a row out of its group. Returns the rows whose neighbours are others now, `row` among them."""
        moved = self.around(row)
        group, moment = self._group_of.pop(row)
        members = self.groups[group]
        members.remove(moment)
        if not members:
            del self.groups[group]
        return moved

    def around(self, row: int) -> set[int]:
        """`row` and the neighbours of it."""
        group, moment = self._group_of[row]
        return {member for _, _, member in self._window(group, moment)}

    def settle(self, scopes: np.ndarray, fits: Fits, moved: set[int]) -> set[int]:
        """Find the pairs of `moved` anew. Returns the rows whose pairs are others now.

        `scopes`: instrumentation of each row; within one there is no pair.
        """
        known: dict[int, dict[int, int]] = {}

        def nearest(row: int) -> dict[int, int]:
            if row not in known:
                known[row] = self._nearest(scopes, fits, row)
            return known[row]

        touched = set[int]()
        for row in moved:
            before = self._pairs.get(row, set())
            now = {other for other in nearest(row).values() if row in nearest(other).values()}
            if now != before:
                touched |= {row} | now | before
                self._note(row, before, now)
        return touched

    def renumber(self, renumber: np.ndarray, group_now: Callable[[int], int]) -> None:
        """Follow the rows that `Forest.evict` kept: all of a group, or none. `group_now`: new number of a group."""
        kept = {
            int(renumber[row]): (group_now(group), (time, span, int(renumber[row])))
            for row, (group, (time, span, _)) in self._group_of.items()
            if renumber[row] >= 0
        }
        self.groups, self._group_of = {}, kept
        for group, moment in kept.values():
            self.groups.setdefault(group, []).append(moment)
        for members in self.groups.values():
            members.sort()
        self._pairs = {
            int(renumber[row]): {int(renumber[other]) for other in others}
            for row, others in self._pairs.items()
            if renumber[row] >= 0
        }

    def _window(self, group: int, moment: Moment) -> Sequence[Moment]:
        """The neighbours of `moment`, itself among them."""
        members = self.groups[group]
        at = bisect_left(members, moment)
        return members[max(0, at - self._neighbours) : at + self._neighbours + 1]

    def _note(self, row: int, before: set[int], now: set[int]) -> None:
        for gone in before - now:
            self._pairs[gone].discard(row)
        for come in now:
            self._pairs.setdefault(come, set()).add(row)
        self._pairs[row] = now

    def _nearest(self, scopes: np.ndarray, fits: Fits, row: int) -> dict[int, int]:
        """Instrumentation -> the row of it that is nearest to `row`."""
        if row not in self._group_of:
            return {}
        group, moment = self._group_of[row]
        near = sorted((abs(time - moment[0]), span, other) for time, span, other in self._window(group, moment))
        fitting = [other for _, _, other in near if scopes[other] != scopes[row] and fits(row, other)]
        return {int(scopes[other]): other for other in reversed(fitting)}  # the nearest stays


def moment_of(nodes: Columns, time: str, row: int) -> Moment:
    """`row` at the time that column `time` says."""
    return int(nodes[time][row]), int(nodes["span"][row]), row

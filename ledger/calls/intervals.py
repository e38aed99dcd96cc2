"""The times at which a conversation was active, as intervals that only grow: each is a run.

What is active at most GAP_NS after one interval and before the next joins both, and they are one from then on. So which
activities are one run does not depend on their order; the names that a run has do.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

GAP_NS = 15 * 60 * 1_000_000_000
"""Silence after which a conversation goes on as another run: what Amazon Bedrock AgentCore takes for the end of an idle
session by default (docs/adr/0025)."""


@dataclass(eq=False)
class Interval:
    """When a run was active. `stored_ns`: the start under which it is stored, None where it is not."""

    start_ns: int
    end_ns: int
    run_id: bytes
    names: int = 1
    """How many run ids lead to it, its own among them."""
    stored_ns: int | None = None


class Intervals:
    """Those of one conversation that are at hand: all that may be touched, in order, more than GAP_NS apart."""

    def __init__(self) -> None:
        self.live: list[Interval] = []
        self.changed: dict[int, Interval] = {}
        self.gone: set[int] = set()
        """Starts under which intervals were stored that are others now."""
        self._stored: set[int] = set()

    def load(self, stored: Iterable[Interval]) -> None:
        """Take in intervals as they are stored; those that were taken in before are left as they have become."""
        for interval in stored:
            assert interval.stored_ns is not None
            if interval.stored_ns not in self._stored:
                self._stored.add(interval.stored_ns)
                insort(self.live, interval, key=_start)

    def touching(self, start_ns: int, end_ns: int) -> list[Interval]:
        """The intervals that an activity joins."""
        last = bisect_right(self.live, end_ns + GAP_NS, key=_start)
        first = last
        while first and self.live[first - 1].end_ns >= start_ns - GAP_NS:
            first -= 1
        return self.live[first:last]

    def begin(self, start_ns: int, end_ns: int, run_id: bytes) -> Interval:
        """Note an activity that touches none. Returns its interval."""
        interval = Interval(start_ns, end_ns, run_id)
        self._put_in(interval)
        return interval

    def join(self, touched: list[Interval], start_ns: int, end_ns: int) -> tuple[Interval, list[Interval]]:
        """Note an activity that touches the intervals `touched`, one or more. Returns the one that they are now, and
        those that are no more: that with most names stays, so that no name is ever led on often."""
        stays = max(touched, key=lambda interval: (interval.names, -interval.start_ns))
        others = [interval for interval in touched if interval is not stays]
        start_ns, end_ns = min(start_ns, touched[0].start_ns), max(end_ns, touched[-1].end_ns)
        if others or (start_ns, end_ns) != (stays.start_ns, stays.end_ns):
            self._take_out(touched)
            stays.start_ns, stays.end_ns, stays.names = start_ns, end_ns, sum(each.names for each in touched)
            self._put_in(stays)
        return stays, others

    def _take_out(self, touched: list[Interval]) -> None:
        first = bisect_left(self.live, touched[0].start_ns, key=_start)
        del self.live[first : first + len(touched)]
        for interval in touched:
            self.changed.pop(id(interval), None)
            if interval.stored_ns is not None:
                self.gone.add(interval.stored_ns)

    def _put_in(self, interval: Interval) -> None:
        insort(self.live, interval, key=_start)
        self.changed[id(interval)] = interval


def _start(interval: Interval) -> int:
    return interval.start_ns

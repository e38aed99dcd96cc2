"""Says in the journal which runs have been at rest for long enough: what is left over of them is booked by that event.

Rest is counted from when the poster had posted what came last, by a clock that nobody sets. So a backlog is posted
before any of it is settled, and after a restart the rest begins anew.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ledger.errors import LedgerError
from ledger.journal.frame import Draft
from spanledger.publishing import settling_draft

LOOKS = 8
"""How often within one rest it is noted how far posting has come: a run is settled at most an eighth too late."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SettlerOptions:
    settle_after_s: float = 600.0
    """Longer than nearly all calls take. What comes later takes the settlement back, so it costs lines and no money."""


class Settler:
    """To be asked for its turn again and again. `append`: puts a draft into the journal."""

    def __init__(self, append: Callable[[Draft], int], options: SettlerOptions) -> None:
        self._append, self._rest_s = append, options.settle_after_s
        self._seen = deque[tuple[float, int]]()
        """When it was noted how far posting had come, and how far that was."""
        self._settled, self._appended, self._not_before_s = -1, -1, float("-inf")

    def turn(self, cursor: int, told_seq: int, is_left: Callable[[int], bool], now_s: float) -> None:
        """Settle what is due. `cursor`: the last event that was posted, `told_seq`: the last with telemetry among them;
        `is_left`: whether something up to an event is left to be settled; `now_s`: of a monotonic clock."""
        self._note(told_seq, now_s)
        through = self._at_rest(now_s)
        if cursor < self._appended or now_s < self._not_before_s:
            return  # what was said last has its effect first
        if through > self._settled or is_left(through):
            self._settle(through, cursor, now_s)

    def _settle(self, through: int, cursor: int, now_s: float) -> None:
        try:
            self._appended = self._append(settling_draft(0, through, cursor))
        except LedgerError as error:  # the collector is away, or has no room: nothing is lost by waiting
            log.warning("runs up to event %d are settled later: %s", through, error)
            self._not_before_s = now_s + self._rest_s / LOOKS
            return
        self._settled = through

    def _note(self, told_seq: int, now_s: float) -> None:
        if not self._seen or (told_seq > self._seen[-1][1] and now_s >= self._seen[-1][0] + self._rest_s / LOOKS):
            self._seen.append((now_s, told_seq))

    def _at_rest(self, now_s: float) -> int:
        """The last event that is known to have been posted a whole rest ago, -1 if none is."""
        while len(self._seen) > 1 and self._seen[1][0] <= now_s - self._rest_s:
            self._seen.popleft()
        noted_s, told_seq = self._seen[0]
        return told_seq if noted_s <= now_s - self._rest_s else -1

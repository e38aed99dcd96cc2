"""Things that may happen often and must be said seldom: one line a minute each, with how many were left out."""

import logging

from ledger.seams import Clock

INTERVAL_NS = 60 * 10**9
"""A misdirected exporter tries every few seconds, for ever; a line a minute is seen and fills no disk."""

TOPICS_MAX = 64
"""Topics are words of ours, so there are few; the bound is for the day somebody passes a sender's text."""


class SeldomLog:
    """Writes the first message of a topic at once and then at most one a minute."""

    def __init__(self, logger: logging.Logger, clock: Clock) -> None:
        self._logger = logger
        self._clock = clock
        self._last: dict[str, tuple[int, int]] = {}

    def warning(self, topic: str, message: str, *, error: BaseException | None = None) -> None:
        now_ns = self._clock.monotonic_ns()
        said_ns, left_out = self._last.get(topic, (None, 0))
        if said_ns is not None and now_ns - said_ns < INTERVAL_NS:
            self._last[topic] = (said_ns, left_out + 1)
            return
        if topic in self._last or len(self._last) < TOPICS_MAX:
            self._last[topic] = (now_ns, 0)
            more = f" ({left_out} more since the last such line)" if left_out else ""
            self._logger.warning("%s%s", message, more, exc_info=error)

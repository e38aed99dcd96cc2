"""How fast the disk takes what is written, and so how long a queue of bytes will take.

Only large groups tell: in a small one the time is the sync's own, and bytes a second would say nothing. Of the last few
the fastest counts, so that one stall does not make a quick disk look slow. Written by one thread, read by any.
"""

from collections import deque

TELLING_BYTES = 1 << 20
"""Of a group: 0.1 s of the slowest disk that anybody has, where a sync takes 5 to 50 ms."""
GROUPS = 3
FIRST_BYTES = 4 << 20
GROUP_S = 1.0
"""What is being written can be refused no more, so a group is what the disk takes in that time; while nothing is known,
and at least, FIRST_BYTES. A disk whose syncs take half of it shows twice the pace with each group, and so is not held
to the first."""


class Pace:
    """Unknown until a large group was written."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=GROUPS)
        self._bytes_s = 0.0

    def wrote(self, size: int, took_ns: int) -> None:
        """A group of `size` bytes took that long from the first write to the end of its sync."""
        if size >= TELLING_BYTES and took_ns > 0:
            self._last.append(size / took_ns * 1e9)
            self._bytes_s = max(self._last)

    @property
    def group_bytes_max(self) -> float:
        """How large the next group may be."""
        return max(FIRST_BYTES, GROUP_S * self._bytes_s)

    def seconds(self, size: int) -> float:
        """How long `size` bytes take; 0 while nobody knows."""
        return size / self._bytes_s if self._bytes_s else 0.0

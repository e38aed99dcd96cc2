"""Drafts that wait for the disk: bounded in bytes and in number, stamped with their receipt, handed out in groups."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from ledger.errors import Overloaded
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.journal.tail import Entry
from ledger.seams import Clock

ENTRY_BYTES = 1024
"""What a waiting draft costs in memory beside its body: objects, future, texts."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft in the queue or in the group in flight."""

    entry: Entry
    future: "Future[int]"

    @property
    def memory_bytes(self) -> int:
        return len(self.entry.draft.body) + ENTRY_BYTES


class Queue:
    """Any thread puts, one thread takes."""

    def __init__(self, options: JournalOptions, clock: Clock, received_ns: int) -> None:
        self._options, self._clock, self._received_ns = options, clock, received_ns
        self._changed = threading.Condition()
        self._waiting: deque[Waiting] = deque()
        self._closed = ""
        self.memory_bytes = 0  # of the group in flight too: it is in memory until it is durable
        self.overloaded = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def now_ns(self) -> int:
        """The clock's time, but never before a time that was given out. The caller holds the lock or is alone."""
        self._received_ns = max(self._received_ns, self._clock.now_ns())
        return self._received_ns

    def put(self, draft: Draft, texts: tuple[bytes, ...], future: "Future[int]") -> None:
        """Raises Overloaded where there is no room now."""
        with self._changed:
            self._check_room(len(draft.body) + ENTRY_BYTES)
            waiting = Waiting(Entry(draft, texts, self.now_ns()), future)
            self._waiting.append(waiting)
            self.memory_bytes += waiting.memory_bytes
            self._changed.notify()

    def take(self, timeout_s: float | None, bytes_max: float) -> list[Waiting] | None:
        """What waits, up to the bound of a group and to `bytes_max`, but one at least.

        Empty after `timeout_s` without any; None once closed and empty.
        """
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                if not self._changed.wait(timeout_s):
                    return []
            group = [self._waiting.popleft()]
            size = group[0].memory_bytes
            bytes_max = min(bytes_max, self._options.group_bytes_max)
            while self._waiting and size + self._waiting[0].memory_bytes <= bytes_max:
                group.append(self._waiting.popleft())
                size += group[-1].memory_bytes
        return group

    def discard(self, future: "Future[int]") -> None:
        """Forget the draft of `future`, which was cancelled, unless it was taken already."""
        with self._changed:
            for at, waiting in enumerate(self._waiting):  # the oldest is taken back first: it stands in front
                if waiting.future is future:
                    del self._waiting[at]
                    self.memory_bytes -= waiting.memory_bytes
                    return

    def release(self, group: Sequence[Waiting]) -> None:
        """The group is done with, whatever became of it."""
        with self._changed:
            self.memory_bytes -= sum(waiting.memory_bytes for waiting in group)

    def close(self, why: str) -> None:
        """Let no more in; what waits can still be taken. The first reason given stands."""
        with self._changed:
            self._closed = self._closed or why
            self._changed.notify()

    def _check_room(self, memory_bytes: int) -> None:
        if self._closed:
            raise Overloaded(f"{self._closed}; send it again")
        # One draft is always let in: a body of the largest size must not be refused for ever.
        over_bytes = self.memory_bytes > 0 and self.memory_bytes + memory_bytes > self._options.queue_bytes_max
        if over_bytes or len(self._waiting) >= self._options.queue_events_max:
            self.overloaded += 1
            raise Overloaded(
                f"{self.memory_bytes} bytes in {len(self._waiting)} events wait for the disk, at most "
                f"{self._options.queue_bytes_max} in {self._options.queue_events_max} may; send it again"
            )

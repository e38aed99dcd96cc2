"""Clock and randomness as parameters, so that the core is deterministic under test. The disk has `journal.disk`."""

import os
import time
from typing import Protocol


class Clock(Protocol):
    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; may jump."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go backward; only differences mean anything."""
        ...


class Rng(Protocol):
    def token_bytes(self, n: int) -> bytes:
        """`n` bytes nobody can guess."""
        ...


class SystemClock:
    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class SystemRng:
    def token_bytes(self, n: int) -> bytes:
        return os.urandom(n)

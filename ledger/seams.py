"""Clock, randomness and where work is done as parameters, so that the core is deterministic under test.

The disk has `journal.disk`.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


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


class InStep(Executor):
    """Does the work before `submit` returns, in the thread that asks for it."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised to whoever asks for the result
            future.set_exception(error)
        return future


IN_STEP = InStep()

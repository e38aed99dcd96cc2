"""Work beside the poster, in a thread that moves only when it is looked at: an interleaving that follows from the seed.

At each look some operations of the disk are done, and then the other side goes on; so commits fall between any two
operations of a merge, and a crash finds its file in any state.
"""

import random
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from tests.ledger.journal.simdisk import PowerCut
from tests.sim.disk import MirroredDisk

P = ParamSpec("P")
T = TypeVar("T")

OPERATIONS = (0, 1, 2, 3, 8, 100)
"""Done at a look, one of these."""
NAME = "merge"
"""Of the thread."""


class Beside(Executor):
    def __init__(self, disk: MirroredDisk, chance: random.Random) -> None:
        disk.between = self._at_operation
        self._chance = chance
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._left = 0
        self._dropped = False

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = Looked[T](self.go_on)

        def run() -> None:
            self._mine.acquire()
            try:
                future.set_result(work(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is raised to whoever asks for the result
                future.set_exception(error)
            finally:
                self._thread = None
                self._theirs.release()

        self._thread = threading.Thread(target=run, name=NAME, daemon=True)
        self._thread.start()
        return future

    def go_on(self, operations: int | None = None) -> None:
        """Let the work do so many operations, or the next few, and wait for that."""
        self._left = self._chance.choice(OPERATIONS) if operations is None else operations
        if self._left and self._thread is not None:
            self._mine.release()
            self._theirs.acquire()

    def drop(self) -> None:
        """The process has ended, and with it whatever it was doing."""
        self._dropped = True
        self.go_on(1)

    def _at_operation(self) -> None:
        if threading.current_thread() is not self._thread:
            return
        if self._left == 0:
            self._theirs.release()
            self._mine.acquire()
        self._left -= 1
        if self._dropped:
            raise PowerCut


class Looked(Future[T]):
    """A future whose work goes on a little whenever somebody looks whether it is done."""

    def __init__(self, go_on: Callable[..., None]) -> None:
        super().__init__()
        self._go_on = go_on

    def done(self) -> bool:
        if not super().done():
            self._go_on()
        return super().done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        while not super().done():
            self._go_on(1_000)
        return super().exception(timeout)

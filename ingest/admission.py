"""Admission: every request reserves the memory it may take before it is read, and waits its turn when there is none.

Guarantees: what is reserved never exceeds `memory_bytes_max`; who came first is served first; a call waits at most
its hold time and is then refused as Overloaded. Holding matters: the JavaScript gRPC exporter never retries, so a
refusal is a loss while a held call is not (docs/adr/0006). Used from one event loop only, hence without locks.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from ledger.errors import Overloaded, TooLarge

T = TypeVar("T")


@dataclass(slots=True)
class Reservation:
    """Bytes held for one request until it is released. Releasing twice is harmless."""

    admission: "Admission"
    bytes: int

    async def receive(self, body: Awaitable[T], turn_s: float) -> T:
        """`body`, unless it takes longer than `turn_s` while others wait for this memory: then Overloaded."""
        turns, over = self.admission.turns, asyncio.get_running_loop().time() + turn_s
        turn = asyncio.timeout_at(over if self.admission.waiting_calls else None)
        try:
            async with turn:
                turns[turn] = over
                try:
                    return await body
                finally:
                    del turns[turn]
        except TimeoutError as error:
            if not turn.expired():
                raise
            raise Overloaded(
                f"the request had not arrived after {turn_s:g} s and others wait; send it again (receive_turn_s)"
            ) from error

    async def resize(self, amount: int, hold_s: float) -> None:
        """Make it `amount` bytes. Giving back is immediate; taking more waits like everybody else."""
        if amount > self.bytes:
            await self.admission.take(amount - self.bytes, hold_s)
        else:
            self.admission.give_back(self.bytes - amount)
        self.bytes = amount

    def release(self) -> None:
        self.admission.give_back(self.bytes)
        self.bytes = 0


@dataclass(slots=True, eq=False)
class _Waiter:
    amount: int
    turn: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Admission:
    """The memory budget of the collector and the queue in front of it."""

    def __init__(self, memory_bytes_max: int, calls_waiting_max: int) -> None:
        self._memory_bytes_max = memory_bytes_max
        self._calls_waiting_max = calls_waiting_max
        self._waiting: deque[_Waiter] = deque()
        self._closed = False
        self.turns: dict[asyncio.Timeout, float] = {}
        """Requests that arrive, and when each has had its turn; they are timed from when somebody waits."""
        self.reserved_bytes = 0
        self.held_calls = 0
        self.refused_calls = 0

    @property
    def waiting_calls(self) -> int:
        return len(self._waiting)

    async def reserve(self, amount: int, hold_s: float) -> Reservation:
        """Room for `amount` bytes, after at most `hold_s`. Raises Overloaded, or TooLarge if it can never fit."""
        await self.take(amount, hold_s)
        return Reservation(self, amount)

    async def take(self, amount: int, hold_s: float) -> None:
        if amount > self._memory_bytes_max:
            raise TooLarge(
                f"the request may take {amount} bytes of memory, the whole budget is {self._memory_bytes_max} bytes; "
                "send fewer records in a request (memory_bytes_max)"
            )
        self.check_open()
        if not self._waiting and self._fits(amount):
            self.reserved_bytes += amount
        else:
            await self._wait(amount, hold_s)

    def give_back(self, amount: int) -> None:
        assert 0 <= amount <= self.reserved_bytes, f"{amount} bytes given back, {self.reserved_bytes} were reserved"
        self.reserved_bytes -= amount
        self._serve()

    def close(self) -> None:
        """Refuse everybody who waits and everybody who comes; what is reserved may finish."""
        self._closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.turn.done():
                waiter.turn.set_exception(_stopping())

    def check_open(self) -> None:
        """Raise Overloaded once the collector is stopping."""
        if self._closed:
            raise _stopping()

    def _fits(self, amount: int) -> bool:
        return self.reserved_bytes + amount <= self._memory_bytes_max

    async def _wait(self, amount: int, hold_s: float) -> None:
        if len(self._waiting) >= self._calls_waiting_max:
            self.refused_calls += 1
            raise Overloaded(f"{len(self._waiting)} calls wait already; send the request again (calls_waiting_max)")
        self.held_calls += 1
        waiter = _Waiter(amount)
        self._waiting.append(waiter)
        self._limit_turns()
        try:
            async with asyncio.timeout(max(hold_s, 0.0)):
                await waiter.turn
        except TimeoutError as error:
            self._abandon(waiter)
            self.refused_calls += 1
            raise Overloaded(
                f"no room after {hold_s:g} s: {self.reserved_bytes} of {self._memory_bytes_max} bytes are in use; "
                "send the request again (memory_bytes_max)"
            ) from error
        except BaseException:
            self._abandon(waiter)
            raise

    def _limit_turns(self) -> None:
        now = asyncio.get_running_loop().time()
        for turn, over in self.turns.items():
            turn.reschedule(max(now, over))

    def _abandon(self, waiter: _Waiter) -> None:
        """Whoever stops waiting frees the way for the next; whoever was served in that very moment gives back."""
        turn = waiter.turn
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.give_back(waiter.amount)
        elif waiter in self._waiting:
            self._waiting.remove(waiter)
            self._serve()

    def _serve(self) -> None:
        while self._waiting and self._fits(self._waiting[0].amount):
            waiter = self._waiting.popleft()
            if not waiter.turn.done():
                self.reserved_bytes += waiter.amount
                waiter.turn.set_result(None)


def _stopping() -> Overloaded:
    return Overloaded("the collector is stopping; send the request again")

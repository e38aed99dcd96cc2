"""The memory budget: who waits, how long, in which order, and that nothing leaks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ingest.admission import Admission
from ledger.errors import Overloaded, TooLarge


def run(story: Callable[[Admission], Awaitable[None]], *, memory: int = 100, waiting: int = 8) -> None:
    async def told() -> None:
        await story(Admission(memory, waiting))

    asyncio.run(told())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def test_a_held_call_is_served_when_room_comes_back() -> None:
    async def story(admission: Admission) -> None:
        first = await admission.reserve(80, 0)
        second = asyncio.ensure_future(admission.reserve(80, 5))
        await until(lambda: admission.waiting_calls == 1)
        assert not second.done()
        first.release()
        assert (await second).bytes == 80
        assert (admission.reserved_bytes, admission.held_calls, admission.refused_calls) == (80, 1, 0)

    run(story)


def test_a_call_is_refused_once_its_hold_is_over() -> None:
    async def story(admission: Admission) -> None:
        await admission.reserve(100, 0)
        with pytest.raises(Overloaded, match=r"no room after 0\.05 s: 100 of 100 bytes"):
            await admission.reserve(1, 0.05)
        assert (admission.waiting_calls, admission.reserved_bytes, admission.refused_calls) == (0, 100, 1)

    run(story)


def test_first_come_first_served_and_small_ones_do_not_overtake() -> None:
    async def story(admission: Admission) -> None:
        order: list[str] = []

        async def call(name: str, amount: int) -> None:
            await admission.reserve(amount, 5)
            order.append(name)

        first = await admission.reserve(60, 0)
        big = asyncio.ensure_future(call("big", 100))
        await until(lambda: admission.waiting_calls == 1)
        small = asyncio.ensure_future(call("small", 10))
        await until(lambda: admission.waiting_calls == 2)
        first.release()
        await big
        assert order == ["big"]
        admission.give_back(100)
        await small
        assert order == ["big", "small"]

    run(story)


def test_a_waiter_that_gives_up_lets_the_next_one_in() -> None:
    async def story(admission: Admission) -> None:
        await admission.reserve(60, 0)
        big = asyncio.ensure_future(admission.reserve(100, 5))
        await until(lambda: admission.waiting_calls == 1)
        small = asyncio.ensure_future(admission.reserve(40, 5))
        await until(lambda: admission.waiting_calls == 2)
        big.cancel()
        assert (await small).bytes == 40
        assert admission.reserved_bytes == 100

    run(story)


def test_a_waiter_cancelled_in_the_moment_it_is_served_gives_back() -> None:
    async def story(admission: Admission) -> None:
        first = await admission.reserve(100, 0)
        second = asyncio.ensure_future(admission.reserve(100, 5))
        await until(lambda: admission.waiting_calls == 1)
        first.release()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert admission.reserved_bytes == 0

    run(story)


def test_more_waiters_than_allowed_are_refused_at_once() -> None:
    async def story(admission: Admission) -> None:
        await admission.reserve(100, 0)
        waiters = [asyncio.ensure_future(admission.reserve(1, 5)) for _ in range(2)]
        await until(lambda: admission.waiting_calls == 2)
        with pytest.raises(Overloaded, match="calls_waiting_max"):
            await admission.reserve(1, 5)
        for waiter in waiters:
            waiter.cancel()

    run(story, waiting=2)


def test_what_can_never_fit_is_refused_for_good() -> None:
    async def story(admission: Admission) -> None:
        with pytest.raises(TooLarge, match="memory_bytes_max"):
            await admission.reserve(101, 5)

    run(story)


def test_closing_refuses_who_waits_and_who_comes_but_not_who_is_in() -> None:
    async def story(admission: Admission) -> None:
        inside = await admission.reserve(100, 0)
        waiter = asyncio.ensure_future(admission.reserve(1, 5))
        await until(lambda: admission.waiting_calls == 1)
        admission.close()
        for call in (waiter, admission.reserve(1, 5)):
            with pytest.raises(Overloaded, match="stopping"):
                await call
        inside.release()
        assert admission.reserved_bytes == 0

    run(story)


def test_resizing_gives_back_at_once_and_waits_for_more() -> None:
    async def story(admission: Admission) -> None:
        first = await admission.reserve(100, 0)
        await first.resize(30, 0)
        second = await admission.reserve(70, 0)
        growing = asyncio.ensure_future(first.resize(50, 5))
        await until(lambda: admission.waiting_calls == 1)
        second.release()
        await growing
        assert admission.reserved_bytes == 50
        first.release()
        first.release()
        assert admission.reserved_bytes == 0

    run(story)

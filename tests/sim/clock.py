"""A clock that jumps: by seconds often, by a year now and then, both ways."""

import random

START_NS = 1_795_000_000 * 10**9
"""18 November 2026."""
YEAR_NS = 365 * 86_400 * 10**9
JUMPS_NS = (5 * 10**9, -5 * 10**9, 86_400 * 10**9, -86_400 * 10**9, YEAR_NS, -YEAR_NS)


class JumpingClock:
    """The wall clock goes on by a millisecond a look; the other one by up to a minute, so that rows come of age."""

    def __init__(self, chance: random.Random, odds: float) -> None:
        self._chance, self._odds = chance, odds
        self._now_ns, self._monotonic_ns = START_NS, 0

    def wait(self, seconds: float) -> None:
        self._now_ns += int(seconds * 1e9)
        self._monotonic_ns += int(seconds * 1e9)

    def now_ns(self) -> int:
        self._now_ns += 10**6
        if self._chance.random() < self._odds:
            self._now_ns += self._chance.choice(JUMPS_NS)
        return self._now_ns

    def monotonic_ns(self) -> int:
        self._monotonic_ns += self._chance.randrange(20 * 10**9) if self._chance.random() < self._odds else 10**6
        return self._monotonic_ns

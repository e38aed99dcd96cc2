"""The intervals of a conversation against the plainest reading of the rule."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.calls.intervals import GAP_NS, Interval, Intervals

MINUTE = 60 * 1_000_000_000
activities = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), min_size=1, max_size=25)
"""Start and length in minutes."""


def runs(activities: list[tuple[int, int]]) -> set[frozenset[int]]:
    """Which of `activities` are one run: whatever lies 15 minutes apart or less, and so on."""
    found: list[set[int]] = []
    for number, (start, length) in enumerate(activities):
        near = [
            run
            for run in found
            if any(
                activities[other][0] - 15 <= start + length and start - 15 <= sum(activities[other]) for other in run
            )
        ]
        found = [run for run in found if run not in near] + [{number}.union(*near)]
    return {frozenset(run) for run in found}


class Told:
    """Intervals that are stored after some activities and read again, with the names that they gave."""

    def __init__(self, store_every: int) -> None:
        self.stored: dict[int, Interval] = {}
        self.intervals, self.store_every = Intervals(), store_every
        self.named: list[bytes] = []
        self.heirs: dict[bytes, bytes] = {}

    def tell(self, start: int, length: int) -> None:
        start_ns, end_ns = start * MINUTE, (start + length) * MINUTE
        reach = (start_ns - GAP_NS, end_ns + GAP_NS)
        rows = [i for i in self.stored.values() if i.start_ns <= reach[1] and i.end_ns >= reach[0]]
        self.intervals.load(Interval(i.start_ns, i.end_ns, i.run_id, i.names, i.start_ns) for i in rows)
        touched = self.intervals.touching(start_ns, end_ns)
        name = b"%d" % len(self.named)
        if touched:
            interval, others = self.intervals.join(touched, start_ns, end_ns)
            self.heirs |= {other.run_id: interval.run_id for other in others}
            name = interval.run_id
        else:
            self.intervals.begin(start_ns, end_ns, name)
        self.named.append(name)
        if len(self.named) % self.store_every == 0:
            self.store()

    def store(self) -> None:
        for start_ns in self.intervals.gone:
            del self.stored[start_ns]
        self.stored |= {interval.start_ns: interval for interval in self.intervals.changed.values()}
        self.intervals = Intervals()

    def run_of(self, name: bytes) -> tuple[bytes, int]:
        """The run that `name` leads to, and in how many steps."""
        steps = 0
        while name in self.heirs:
            name, steps = self.heirs[name], steps + 1
        return name, steps

    def runs(self) -> set[frozenset[int]]:
        of = [self.run_of(name)[0] for name in self.named]
        return {frozenset(n for n, run in enumerate(of) if run == one) for one in of}


@given(activities, st.integers(1, 7))
def test_what_lies_fifteen_minutes_apart_or_less_is_one_run_whatever_came_first_and_is_read_again(
    said: list[tuple[int, int]], store_every: int
) -> None:
    told = Told(store_every)
    for number, (start, length) in enumerate(said):
        told.tell(start, length)
        assert told.runs() == runs(said[: number + 1])


@given(activities)
def test_intervals_are_stored_the_same_however_often(said: list[tuple[int, int]]) -> None:
    seen = []
    for store_every in (1, 3, 100):
        told = Told(store_every)
        for start, length in said:
            told.tell(start, length)
        told.store()
        seen.append({(i.start_ns, i.end_ns, i.run_id, i.names) for i in told.stored.values()})
    assert seen[0] == seen[1] == seen[2]


def test_an_id_is_led_on_in_few_steps_however_runs_are_joined() -> None:
    told = Told(1)
    for number in range(256):
        told.tell(number * 100, 1)
    for number in reversed(range(255)):
        told.tell(number * 100, 100)
    found = [told.run_of(name) for name in told.named]
    assert len({run for run, _ in found}) == 1
    assert max(steps for _, steps in found) <= 8

"""The machine ends at every named crash point; recovery goes on, and nothing acked is lost or counts twice."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.sim import database
from tests.sim.checker import check_journal
from tests.sim.conftest import emptied
from tests.sim.crash_points import POINTS
from tests.sim.history import History, Shape
from tests.sim.points import Points
from tests.sim.scripts import BEFORE, FLUSH, FRESH, SCRIPTS, of

ALL = tuple(f"{step}: {point}" for step, points in POINTS.items() for point in points)
GROUP = 15
"""Crashes of one history between two full proofs."""
TRIES = 12
"""Lives until a point must have been reached: a power cut does not always leave what it needs."""


def reached(history: History, point: str, passed: Counter[str], power_cut: bool) -> bool:
    """Whether a life of `history` could be ended there. After it the machine is on again and the journal checked."""
    for _ in range(TRIES):
        if (before := of(BEFORE, point)) is not None:
            ended_at(history, before[0], before[1], passed)
            history.crash(before[2])
        if ended_at(history, point, 1, passed):
            history.crash(power_cut)
            check_journal(history)
            return True
        history.crash(power_cut)
    return False


def ended_at(history: History, point: str, passing: int, passed: Counter[str]) -> bool:
    points = Points(point, passing)
    points.on(history.disk)
    history.live(of(SCRIPTS, point))
    passed.update(points.passed)
    assert points.ended or history.errors == 0, f"{point}: a life without a fault met an error"
    return points.ended


def crash_at(points: Iterable[str], root: Path, power_cut: bool, passed: Counter[str]) -> None:
    history = History(1, emptied(root), Shape(batches=(50,)), clock_jumps=False)
    for point in points:
        assert reached(history, point, passed, power_cut), f"no life came to the point {point!r}"
    history.check()


@pytest.mark.durability
@pytest.mark.timeout(600)
def test_every_crash_point_is_hit_and_survived(root: Path) -> None:
    passed: Counter[str] = Counter()
    fresh = [point for point in ALL if point in FRESH or point.partition(":")[0] in FRESH]
    others = [point for point in ALL if point not in fresh]
    groups = [[point] for point in fresh] + [others[at : at + GROUP] for at in range(0, len(others), GROUP)]
    for group in groups:
        crash_at(group, root, power_cut=True, passed=passed)
    assert sorted(passed.keys() - set(ALL)) == [], "lives passed points that are on no list"
    print(f"{len(ALL)} crash points, each hit and survived; {sum(passed.values())} passings")


@pytest.mark.durability
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_a_power_cut_after_a_removal_finds_all_files_that_the_manifest_names(
    seed: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A checkpoint in between would sync the swap, and so hide whether the removal does.
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 1 << 20)
    history = History(seed, emptied(root), Shape(batches=(50,)), clock_jumps=False)
    history.live(FLUSH)  # its end is durable, and names files that the next life replaces
    points = Points("removal: after unlink run", 1)
    points.on(history.disk)
    history.live((*FLUSH * 2, "wait", "post"))
    assert points.ended
    history.crash(power_cut=True)
    history.check()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("power_cut", [True, False], ids=["power cut", "kill"])
def test_every_crash_point_alone_is_survived(power_cut: bool, root: Path) -> None:
    for point in ALL:
        crash_at([point], root, power_cut, Counter())

"""Seeded histories of the whole pipeline, from the clients to the views, over a disk and a clock that do their worst.

A failing seed is printed with the command that lives it again; everything in a history follows from its seed.
"""

import time
from pathlib import Path

import pytest

from tests.sim.conftest import emptied
from tests.sim.history import History, run

SEEDS = 8


def repeat(seed: int) -> str:
    return f"pytest tests/sim/test_histories.py -m long --sim-seeds 1 --sim-first-seed {seed}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_acked_spans_are_there_once_and_the_money_balances(seed: int, root: Path) -> None:
    assert len(run(seed, root).acked) > 0, repeat(seed)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_thousand_histories(pytestconfig: pytest.Config, root: Path) -> None:
    first, count = pytestconfig.getoption("--sim-first-seed"), pytestconfig.getoption("--sim-seeds")
    started, cpu = time.monotonic(), time.process_time()
    acked = errors = lives = 0
    failed: list[int] = []
    for seed in range(first, first + count):
        try:
            history = run(seed, emptied(root))
        except Exception as error:  # noqa: BLE001 - every seed that fails is told, not only the first
            failed.append(seed)
            print(f"seed {seed}: {error!r}\n  {repeat(seed)}")
            continue
        acked, errors, lives = acked + len(history.acked), errors + history.errors, lives + history.lives
    print(
        f"{count} histories from seed {first}: {lives} lives, {acked} requests acked, {errors} errors told; "
        f"{time.monotonic() - started:.0f} s, {time.process_time() - cpu:.0f} s of processor"
    )
    assert failed == [], f"{len(failed)} of {count} histories failed; the first: {repeat(failed[0])}"
    assert acked > 0


def test_a_seed_lives_the_same_history_again(root: Path) -> None:
    def lived() -> tuple[object, ...]:
        history: History = run(3, emptied(root))
        return sorted(history.acked), history.refused, history.errors, history.disk.steps

    assert lived() == lived()

"""The n-th operation fails, for n = 1, 2, 3, ... until a life meets no failure: once, for ever, and as a crash.

What SQLite's authors do to SQLite (https://sqlite.org/testing.html, "I/O Error Testing"), over every stage of the
pipeline. After each life the journal is checked, after some the whole ledger.
"""

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ledger.journal.simdisk import PowerCut
from tests.sim.checker import check_journal
from tests.sim.conftest import emptied
from tests.sim.history import History, Shape
from tests.sim.scripts import FLUSH

SHAPE = Shape(batches=(7,))
LIVES = 12
"""Lives of one history between two full proofs."""


@dataclass(frozen=True)
class Stage:
    """What happens while the n-th operation fails; `starting`: also while the service starts."""

    acts: tuple[str, ...]
    starting: bool = False
    killed_before: bool = False


STAGES = {
    "append": Stage(("send",) * 6),
    "seal": Stage((*("send",) * 8, "seal")),
    "post, flush and merge": Stage((*FLUSH, *FLUSH, "wait", *("post",) * 6)),
    "recovery": Stage(("send",), starting=True, killed_before=True),
    "rebuild": Stage(("send", "post", "rebuild")),
}

Kind = Callable[[str], BaseException]
KINDS: dict[str, tuple[Kind, bool]] = {
    "EIO once": (lambda what: OSError(errno.EIO, f"{what} failed (simulated)"), True),
    "EIO for ever": (lambda what: OSError(errno.EIO, f"{what} failed (simulated)"), False),
    "ENOSPC once": (lambda what: OSError(errno.ENOSPC, f"{what} found no room (simulated)"), True),
    "ENOSPC for ever": (lambda what: OSError(errno.ENOSPC, f"{what} found no room (simulated)"), False),
    "power cut": (lambda what: PowerCut(), False),
    "kill": (lambda what: PowerCut(), False),
}
"""A write that fails has written any part of its bytes before: the short writes are among these."""


STRIDES = {"append": 4, "seal": 9, "post, flush and merge": 21, "recovery": 7, "rebuild": 29}
"""Of the durability tier: it fails every such operation, the long tier every one."""
ONCE = tuple(kind for kind, (_, once) in KINDS.items() if once)


def arm(history: History, n: int, kind: str) -> Callable[[], bool]:
    """Let the n-th operation from now on fail. Returns what says whether it came to that."""
    error, once = KINDS[kind]
    first = history.disk.steps + n
    disk = history.disk

    def fault(step: int, what: str, path: Path) -> BaseException | None:
        return error(what) if step == first or (step > first and not once) else None

    disk.fault = fault
    return lambda: disk.steps >= first


def live(history: History, stage: Stage, n: int, kind: str) -> bool:
    """One life with its n-th operation failing, and what comes after; whether there were n operations."""
    errors = history.errors
    if stage.killed_before:
        history.live(("send", "post"), arm=lambda: None)
        history.crash(n % 2 == 0)
    armed: list[Callable[[], bool]] = []
    if stage.starting:
        armed.append(arm(history, n, kind))
    history.live(stage.acts, arm=(lambda: None) if stage.starting else lambda: armed.append(arm(history, n, kind)))
    assert kind not in ONCE or history.errors <= errors + 2, f"{stage}, operation {n}: one failure became more"
    history.crash(power_cut=kind != "kill" and (kind == "power cut" or n % 2 == 0))
    check_journal(history)
    return armed[0]()


def loop(stage: str, kinds: Sequence[str], root: Path, stride: int) -> int:
    """Lives until one meets no failure: with the kinds in turn, for every stride-th n."""
    history = History(1, emptied(root), SHAPE, clock_jumps=False)
    lives, n = 0, 1
    while live(history, STAGES[stage], n, kinds[lives % len(kinds)]):
        lives, n = lives + 1, n + stride
        if lives % LIVES == 0:
            history.check()
            history = History(n, emptied(root), SHAPE, clock_jumps=False)
    history.check()
    return lives


@pytest.mark.durability
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("stage", "stride"), STRIDES.items())
def test_an_operation_that_fails_loses_and_doubles_nothing(stage: str, stride: int, root: Path) -> None:
    lives = loop(stage, list(KINDS), root, stride)
    print(f"{stage}: {lives} operations failed")
    assert lives >= len(KINDS)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_operation_that_fails_loses_and_doubles_nothing(stage: str, kind: str, root: Path) -> None:
    lives = loop(stage, [kind], root, stride=1)
    print(f"{stage}, {kind}: {lives} operations failed")
    assert lives > 25

"""What goes wrong in a life: a crash at an operation, operations that fail before it, or a disk that fails for good."""

import errno
import random
from pathlib import Path

from tests.ledger.journal.simdisk import PowerCut
from tests.sim.disk import MirroredDisk, PosterKilled

LIFE_STEPS = 900
"""About the operations of a life, so that crashes fall on all of it."""
FAILING = ("", "", "", "sync", "write", "commit", "rename", "open", "unlink", "")
"""Operations that fail now and then in a life; every one contains the empty word, with small odds."""


def choose(disk: MirroredDisk, chance: random.Random) -> None:
    """Set the faults of one life."""
    at = chance.randrange(1, LIFE_STEPS)
    failing, number = chance.choice(FAILING), chance.choice((errno.EIO, errno.ENOSPC))
    odds = chance.choice((0.0, 0.1 if failing else 0.005))
    ending = chance.choice(("power", "power", "poster", "for ever", "around"))
    draw = random.Random(chance.getrandbits(32))
    done = 0

    def fault(step: int, what: str, path: Path) -> BaseException | None:
        nonlocal done
        if step >= at:
            if ending == "power":
                return PowerCut()
            if ending == "poster" and not done and disk.is_ledger(path):
                done = 1
                return PosterKilled()
            if ending == "for ever":
                return OSError(number, f"{what} failed for ever (simulated)")
        if failing in what and draw.random() < odds:
            return OSError(number, f"{what} failed (simulated)")
        return None

    def watch(moment: str, what: str, path: Path) -> None:
        if disk.steps >= at and draw.random() < 0.2:
            raise PowerCut

    disk.fault = fault
    disk.watch = watch if ending == "around" else None

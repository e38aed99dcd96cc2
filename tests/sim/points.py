"""Named crash points: the operations of disk and database, each named by the step of the product that asked for it.

Nothing in the product knows of them. A point is `step: moment operation object`, where the step is the innermost of
STEPS on the stack. An operation has a point after it, and one before it where its step has done nothing yet: between
two operations of one step, after the first and before the second are the same place.
"""

import sys
import threading
from collections import Counter
from pathlib import Path

from tests.ledger.journal.simdisk import PowerCut
from tests.sim.beside import NAME
from tests.sim.disk import MirroredDisk

STEPS = {
    ("tail.py", "_make_file"): "new journal file",
    ("tail.py", "write"): "append",
    ("append.py", "_publish"): "mark",
    ("mark.py", "close"): "clean end",
    ("mark.py", "__init__"): "new mark",
    ("seal.py", "seal_file"): "seal",
    ("recover.py", "recover"): "recovery",
    ("manifest.py", "create"): "new catalog",
    ("catalog.py", "commit"): "post",
    ("catalog.py", "flush"): "flush",
    ("catalog.py", "abandon"): "close",
    ("merger.py", "_merge_segments"): "merge of segments",
    ("merger.py", "_merge_runs"): "merge of runs",
    ("merger.py", "_exchange"): "exchange",
    ("shelf.py", "discard"): "merge given up",
    ("shelf.py", "remove_replaced"): "removal",
    ("shelf.py", "remove_orphans"): "orphans",
    ("swap.py", "put_in_place"): "swap",
    ("swap.py", "finish_interrupted"): "swap finished",
    ("swap.py", "remove_leftovers"): "leftovers",
}
"""(file, function) of the product -> step."""


def object_of(path: Path, root: Path) -> str:
    """What kind of file it is."""
    inside = path.relative_to(root).parts
    if path.suffix in ("", ".rebuilt", ".replaced"):
        return "mark" if inside == ("run", "durable") else "directory"
    if inside[0] == "journal":
        return "sealed journal file" if path.suffix == ".aside" else "journal file"
    return {"segments": "segment", "traces": "run"}.get(inside[1], "catalog")


def step_here() -> str | None:
    """The step that this call comes from; None where the test itself asks."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if step := STEPS.get((code.co_filename.rpartition("/")[2], code.co_name)):
            return step
        frame = frame.f_back  # type: ignore[assignment]
    return None


BOTH_SIDES = ("commit", "checkpoint")
"""Operations with a point before them wherever they stand in their step."""
WITHIN = ("write", "commit", "checkpoint")
"""Operations that a crash may leave half done; of a commit nobody can say whether it was."""


class Points:
    """Watches a disk: counts its points, and ends the machine at the nth passing of one of them."""

    def __init__(self, end_at: str = "", passing: int = 1) -> None:
        self.passed: Counter[str] = Counter()
        self.ended = False
        self._end_at, self._passing = end_at, passing
        self._last = {False: "", True: ""}

    def on(self, disk: MirroredDisk) -> None:
        def watch(moment: str, what: str, path: Path) -> None:
            step = "checkpoint" if what == "checkpoint" else step_here()
            beside = threading.current_thread().name == NAME
            if step and (moment == "after" or step != self._last[beside] or what in BOTH_SIDES):
                self._pass(f"{step}: {moment} {what} {object_of(path, disk.root)}")
            if what != "checkpoint":
                self._last[beside] = step or ""

        def fault(number: int, what: str, path: Path) -> None:
            step = "checkpoint" if what == "checkpoint" else step_here()
            if step and what in WITHIN:
                self._pass(f"{step}: within {what} {object_of(path, disk.root)}")

        disk.watch, disk.fault = watch, fault

    def _pass(self, point: str) -> None:
        self.passed[point] += 1
        if not self.ended and point == self._end_at and self.passed[point] == self._passing:
            self.ended = True
            raise PowerCut

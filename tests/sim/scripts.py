"""What has to happen in a life so that it passes a step of the product."""

from typing import TypeVar

from tests.sim.crash_points import POINTS

T = TypeVar("T")

FLUSH = ("send", "post", "wait", "post")
SEALING = (*("send",) * 8, "seal")

FULL = (*("send",) * 25, "post", "post")
"""So much at once that the commit itself writes segments."""

SCRIPTS: dict[str, tuple[str, ...]] = {
    "new journal file": ("send",) * 8,
    "append": ("send",) * 2,
    "mark": ("send",) * 2,
    "clean end": ("send",),
    "new mark": (),
    "seal": SEALING,
    "recovery": (),
    "new catalog": ("send", "rebuild"),
    "post": ("send", "post"),
    **{f"post: {point}": FULL for point in POINTS["post"] if point.endswith(("segment", "run", "directory"))},
    "flush": FLUSH,
    "close": ("send", "post"),
    "merge of segments": (*FLUSH * 2, *("post",) * 12),
    "merge of runs": (*FLUSH * 2, *("post",) * 12),
    "exchange": (*FLUSH * 2, *("post",) * 12),
    "merge given up": (*FLUSH, "post", "restart poster") * 6,
    "checkpoint": FLUSH * 3,
    "removal": (*FLUSH * 3, "wait", "post"),
    "orphans": (),
    "swap": ("send", "post", "rebuild"),
    "swap finished": (),
    "leftovers": (),
}
"""Point or step -> the acts of a life that passes it. Every life also starts and ends."""

POWER_CUT, KILL = True, False

BEFORE: dict[str, tuple[str, int, bool]] = {
    "orphans": ("flush: after rename segment", 2, POWER_CUT),
    "orphans: before unlink run": ("merge of runs: after rename run", 1, KILL),
    "orphans: after unlink run": ("merge of runs: after rename run", 1, KILL),
    "swap finished": ("swap: after sync_dir directory", 1, POWER_CUT),
    "leftovers": ("swap: after sync_dir directory", 2, POWER_CUT),
    "leftovers: before unlink segment": ("swap: after unlink catalog", 1, KILL),
    "recovery: after truncate journal file": ("append: within write journal file", 2, POWER_CUT),
    "recovery: before unlink journal file": ("new journal file: after open journal file", 1, KILL),
    "recovery: after unlink journal file": ("new journal file: after open journal file", 1, KILL),
    "recovery: before unlink sealed journal file": ("seal: after write sealed journal file", 1, KILL),
    "recovery: after unlink sealed journal file": ("seal: after write sealed journal file", 1, KILL),
    "new catalog: before unlink catalog": ("new catalog: after open catalog", 1, KILL),
    "new catalog: after unlink catalog": ("new catalog: after open catalog", 1, KILL),
}
"""Point or step -> how the life before it must end: at which point, at its which passing, and by what."""

FRESH = ("new mark", "new catalog: before unlink catalog", "new catalog: after unlink catalog")
"""Points and steps that only a new data directory passes."""


def of(table: dict[str, T], point: str) -> T | None:
    """The entry of a point, else of its step."""
    return table.get(point, table.get(point.partition(":")[0]))

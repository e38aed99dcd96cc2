"""Geometry of a run's chart: waterfall and cost-so-far on one time axis, in the units of the SVG's view box."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from queries.runs import Row

WIDTH = 1_000
LABELS = 270
"""Left of it the names, right of it time."""
RIGHT = 14
ROW = 20
COST_HEIGHT = 96
TOP = 18
GAP = 12
BAR_WIDTH_MIN = 1.5
INDENT = 9
INDENT_LEVELS_MAX = 10
LABEL_CHARS = 34
TICKS = 5

KINDS = {"chat": "model", "completion": "model", "embeddings": "model", "rerank": "model", "image": "model"}
KINDS |= {"speech": "model", "moderation": "model", "tool": "tool", "agent": "agent", "workflow": "agent"}
"""Operation -> how its bar looks; the rest is plain."""


@dataclass(frozen=True)
class Bar:
    """One step in the waterfall."""

    step: int
    label: str
    title: str
    kind: str
    error: bool
    indent: float
    x: float
    y: float
    width: float
    cost_usd: object


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Everything the template draws: a head that stays in sight, `head` high, and rows beneath it, `height` high."""

    head: float
    height: float
    bars: list[Bar]
    ticks: list[Tick]
    cost_path: str
    cost_area: str
    cost_label: Decimal
    playhead: float | None


@dataclass(frozen=True)
class Axis:
    """Time to horizontal place."""

    start_ns: int
    end_ns: int

    def x(self, at_ns: int) -> float:
        share = (at_ns - self.start_ns) / max(1, self.end_ns - self.start_ns)
        return round(LABELS + min(1.0, max(0.0, share)) * (WIDTH - LABELS - RIGHT), 1)


def chart(
    steps: Sequence[Row], depths: dict[str, int], axis: Axis, costs: Sequence[tuple[int, Decimal]], chosen: Row | None
) -> Chart:
    """The chart of `steps`. `costs`: (time, money so far) where it changes; `chosen`: the step at the playhead."""
    cost_bottom = float(TOP + COST_HEIGHT)
    bars = [_bar(step, depths, axis, float(number * ROW)) for number, step in enumerate(steps)]
    path, area = _cost_line(axis, costs, cost_bottom)
    return Chart(
        head=cost_bottom + GAP,
        height=len(bars) * ROW + 6.0,
        bars=bars,
        ticks=_ticks(axis),
        cost_path=path,
        cost_area=area,
        cost_label=costs[-1][1] if costs else Decimal(0),
        playhead=axis.x(_ns(chosen["end_ns"])) if chosen else None,
    )


def _ns(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bar(step: Row, depths: dict[str, int], axis: Axis, y: float) -> Bar:
    x, end = axis.x(_ns(step["start_ns"])), axis.x(_ns(step["end_ns"]))
    name, what = str(step["name"]), step["tool_name"] or step["model"] or step["operation"]
    number = step["step"]
    assert isinstance(number, int)
    indent = INDENT * min(level(step, depths), INDENT_LEVELS_MAX)
    room = LABEL_CHARS - int(indent // 6)
    return Bar(
        step=number,
        label=name if len(name) <= room else name[: room - 1] + "…",
        title=f"step {number}: {name} ({what})",
        kind=KINDS.get(str(step["operation"]), "other"),
        error=step["status"] == "error",
        indent=indent,
        x=x,
        y=y,
        width=round(max(BAR_WIDTH_MIN, end - x), 1),
        cost_usd=step["cost_usd"],
    )


def _cost_line(axis: Axis, costs: Sequence[tuple[int, Decimal]], bottom: float) -> tuple[str, str]:
    """A step line: money is flat until a call ends, then rises at once."""
    top = max((float(total) for _, total in costs), default=0.0) or 1.0
    points = [f"M{axis.x(axis.start_ns)} {bottom}"]
    for at_ns, total in costs:
        points.append(f"H{axis.x(at_ns)}V{round(bottom - float(total) / top * (COST_HEIGHT - 8), 1)}")
    line = "".join(points) + f"H{axis.x(axis.end_ns)}"
    return line, f"{line}V{bottom}Z"


def _ticks(axis: Axis) -> list[Tick]:
    from queries.page.environment import span_of_time

    length_ns = axis.end_ns - axis.start_ns
    shares = [number / TICKS for number in range(TICKS + 1)]
    return [Tick(axis.x(axis.start_ns + int(length_ns * s)), span_of_time(length_ns * s / 1e6)) for s in shares]


def level(step: Row, depths: dict[str, int]) -> int:
    """How deep a step lies; a log record is one level below the span it was written for."""
    if step["span_id"] is not None:
        return depths.get(str(step["span_id"]), 0)
    above = depths.get(str(step["parent_span_id"]))
    return 0 if above is None else above + 1


def depths(parents: Sequence[tuple[str, str | None]]) -> dict[str, int]:
    """How deep each span lies, from (span, parent) pairs; a parent that is not there, or a ring, makes a root."""
    parent_of = dict(parents)
    found: dict[str, int] = {}
    for span in parent_of:
        path: dict[str, None] = {}  # a set that keeps its order
        at: str | None = span
        while at is not None and at in parent_of and at not in found and at not in path:
            path[at] = None
            at = parent_of[at]
        base = found[at] + 1 if at is not None and at in found else 0
        found.update({one: base + above for above, one in enumerate(reversed(path))})
    return found

"""The rules of placement, said once more in the slowest way: from the set of spans and their order alone."""

from dataclasses import dataclass, field

from ledger.calls.roles import AGENT, MODEL, TOOL, WORKFLOW
from ledger.calls.rules import RUN_BY_AGENT, RUN_BY_TRACE, RUN_EXPLICIT

Key = tuple[int, int]


@dataclass(frozen=True)
class Span:
    trace: int
    span: int
    parent: int | None
    role: int
    agent: int
    run: int
    has_usage: bool
    failed: bool


@dataclass
class Call:
    billing: Key
    views: list[Key] = field(default_factory=list)


class Model:
    def __init__(self, events: list[list[Span]]) -> None:
        self.known = {(s.trace, s.span): s for event in events for s in event}
        self.order = {key: place for place, key in enumerate(self.known)}
        self.parent = {key: self.parent_of(key) for key in self.known}
        self.cut_circles()
        self.inner: dict[Key, list[Key]] = {}
        for key in self.known:
            outer = self.outer(key)
            if outer:
                self.inner.setdefault(outer, []).append(key)

    def parent_of(self, key: Key) -> Key | None:
        span = self.known[key]
        wanted = (span.trace, span.parent)
        return wanted if span.parent not in (None, span.span) and wanted in self.known else None

    def cut_circles(self) -> None:
        for key in self.known:
            circle, at = [key], self.parent[key]
            while at is not None and at not in circle:
                circle.append(at)
                at = self.parent[at]
            if at is not None:
                self.parent[max(circle[circle.index(at) :], key=self.order.__getitem__)] = None

    def above(self, key: Key) -> list[Key]:
        path, at = [], self.parent[key]
        while at is not None:
            path.append(at)
            at = self.parent[at]
        return path

    def outer(self, key: Key) -> Key | None:
        for up in self.above(key) if self.known[key].role == MODEL else []:
            if self.known[up].role == MODEL:
                return up
            if self.known[up].role in (TOOL, AGENT, WORKFLOW):
                return None
        return None

    def calls(self, key: Key) -> list[Call]:
        within = [call for child in self.inner.get(key, []) for call in self.calls(child)]
        if not within:
            return [Call(key, [key])]
        with_usage = [call for call in within if self.known[call.billing].has_usage]
        alive = [call for call in within if not self.known[call.billing].failed]
        target = min(with_usage or alive or within, key=lambda call: self.order[call.billing])
        target.views.append(key)
        if not with_usage and self.known[key].has_usage:
            target.billing = key
        return within

    def owned(self) -> dict[Key, tuple[Key, bool, Key | None]]:
        """(call, billed, duplicate of) of each view."""
        views = [key for key, span in self.known.items() if span.role in (MODEL, TOOL) and self.outer(key) is None]
        found = {}
        for call in (call for key in views for call in self.calls(key)):
            earliest = min(call.views, key=self.order.__getitem__)
            for view in call.views:
                billed = view == call.billing
                found[view] = (earliest, billed, None if billed else call.billing)
        return found

    def placements(self) -> dict[Key, tuple[object, ...]]:
        owned = self.owned()
        return {key: (*self.inherited(key), *owned.get(key, (None, False, None))) for key in self.known}

    def inherited(self, key: Key) -> tuple[int, tuple[int, object]]:
        path = [key, *self.above(key)]
        agent = next((self.known[k].agent for k in path if self.known[k].agent >= 0), -1)
        explicit = next((self.known[k].run for k in path if self.known[k].run >= 0), -1)
        tops = [k for k in path if self.known[k].role in (AGENT, WORKFLOW)]
        if explicit >= 0:
            return agent, (RUN_EXPLICIT, explicit)
        return agent, (RUN_BY_AGENT, tops[-1]) if tops else (RUN_BY_TRACE, -1)

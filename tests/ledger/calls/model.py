"""The rules of placement, said once more in the slowest way: from the set of spans and their order alone."""

from dataclasses import dataclass, field

from ledger.calls.roles import AGENT, DEFINITION, MODEL, TOOL, WORKFLOW
from ledger.calls.rules import NO_RUN, RUN_BY_AGENT, RUN_BY_CONVERSATION, RUN_BY_TRACE, RUN_BY_TURN, RUN_EXPLICIT
from ledger.calls.sightings import SIGHTINGS_MAX

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
    scope: int = 0
    response: int = 0
    units: int = 0
    model: int = -1
    tokens: int = 0
    began: int = 0
    lasted: int = 0
    is_log: bool = False
    turn: int = -1
    talk: int = -1
    tool: int = -1
    execution: int = 0

    @property
    def ended(self) -> int:
        return self.began + self.lasted


@dataclass(eq=False)
class Call:
    billing: Key
    views: list[Key] = field(default_factory=list)
    payer: Key | None = None


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
        if self.known[key].role == TOOL:
            return self.around_tool(key)
        for up in self.above(key) if self.known[key].role == MODEL and not self.known[key].is_log else []:
            if self.known[up].role == MODEL:
                return up
            if self.known[up].role in (TOOL, AGENT, WORKFLOW):
                return None
        return None

    def around_tool(self, key: Key) -> Key | None:
        """The tool nearest above, no model, agent or workflow between, where both are one execution."""
        bounds = (k for k in self.above(key) if self.known[k].role in (TOOL, MODEL, AGENT, WORKFLOW))
        up = next(bounds, None)
        if up is None or self.known[up].role != TOOL:
            return None
        one, other = self.known[key], self.known[up]
        if one.execution and other.execution:
            return up if one.execution == other.execution else None
        return up if one.tool == other.tool >= 0 else None

    def execution(self, key: Key) -> Call:
        """The outermost span of one execution of a tool that names the tool bills it."""
        levels = [[key]]
        while levels[-1]:
            levels.append([inner for outer in levels[-1] for inner in self.inner.get(outer, [])])
        named = [[view for view in level if self.known[view].tool >= 0] for level in levels]
        billing = next((min(level, key=self.order.__getitem__) for level in named if level), key)
        return Call(billing, [view for level in levels for view in level])

    def calls(self, key: Key) -> list[Call]:
        if self.known[key].role == TOOL:
            return [self.execution(key)]
        within = [call for child in self.inner.get(key, []) for call in self.calls(child)]
        if not within:
            return [Call(key, [key])]
        with_usage = [call for call in within if self.known[call.billing].has_usage]
        alive = [call for call in within if not self.known[call.billing].failed]
        target = min(with_usage or alive or within, key=lambda call: self.order[call.billing])
        target.views.append(key)
        own, inner = self.known[key], self.known[target.billing]
        if own.has_usage and (not inner.has_usage or (own.units > inner.units and abs(own.tokens - inner.tokens) <= 2)):
            target.billing = key
        return within

    def agree(self, one: Span, other: Span) -> bool:
        tokens = not (one.has_usage and other.has_usage) or abs(one.tokens - other.tokens) <= 2
        return tokens and (one.model == other.model or -1 in (one.model, other.model))

    def nearest(self, key: Key, scope: int) -> Key | None:
        """The span of `scope` beside `key` that starts nearest to it and may be the same call."""
        own = self.known[key]
        beside = [
            other
            for other, span in self.known.items()
            if span.role == MODEL
            and not span.is_log
            and (span.trace, span.parent) == (own.trace, own.parent)
            and self.parent_given(other)
            and span.scope == scope != own.scope
            and not (own.response and span.response)
            and own.began <= span.ended
            and span.began <= own.ended
            and -1 not in (own.model, span.model)
            and self.agree(own, span)
        ]
        return min(beside, key=lambda k: (abs(self.known[k].began - own.began), k), default=None)

    def parent_given(self, key: Key) -> bool:
        """Whether the span says a parent, known or not, and the link to it was not cut."""
        span = self.known[key]
        if span.parent in (None, span.span):
            return False
        return (span.trace, span.parent) not in self.known or self.parent[key] is not None

    def suspected(self, one: Key, other: Key) -> bool:
        if (
            self.known[one].role != MODEL
            or self.known[one].is_log
            or self.known[other].is_log
            or not (self.parent_given(one) and self.parent_given(other))
        ):
            return False
        a, b = self.known[one], self.known[other]
        return self.nearest(one, b.scope) == other and self.nearest(other, a.scope) == one

    def same_response(self, one: Key, other: Key) -> bool:
        a, b = self.known[one], self.known[other]
        if not (a.role == b.role == MODEL and 0 < a.response == b.response and self.agree(a, b)):
            return False
        naming = [key for key, span in self.known.items() if span.role == MODEL and span.response == a.response]
        return {one, other} <= set(naming[:SIGHTINGS_MAX])

    def same_span(self, one: Key, other: Key) -> bool:
        """Whether one is a log record of the other, a model span."""
        pairs = ((one, other), (other, one))
        return any(
            self.known[log].is_log
            and not self.known[span].is_log
            and self.known[span].role == MODEL
            and (self.known[log].trace, self.known[log].parent) == span
            for log, span in pairs
        )

    def are_one(self, one: Call, other: Call) -> bool:
        pairs = [(a, b) for a in one.views for b in other.views]
        if any(self.known[a].scope == self.known[b].scope for a, b in pairs):
            return False
        return any(self.same_response(a, b) or self.same_span(a, b) or self.suspected(a, b) for a, b in pairs)

    def merged(self, calls: list[Call]) -> list[Call]:
        kept: list[Call] = []
        for call in sorted(calls, key=lambda call: min(map(self.order.__getitem__, call.views))):
            kept.append(call)
            for other in kept[:-1]:
                if other is not call and self.are_one(other, call):
                    first, later = sorted((other, call), key=kept.index)
                    first.views += later.views
                    first.billing = max(first.billing, later.billing, key=self.worth)
                    first.payer = max(first.views, key=self.nearness)
                    kept.remove(later)
                    call = first
        return kept

    def worth(self, key: Key) -> tuple[object, ...]:
        span = self.known[key]
        return (
            span.has_usage,
            span.model >= 0,
            span.units,
            not span.is_log,
            not span.failed,
            -span.began,
            -span.span,
            -self.order[key],
        )

    def nearness(self, key: Key) -> tuple[object, ...]:
        span = self.known[key]
        return (
            self.inherited(key)[0] >= 0,
            self.talk(key) >= 0,
            not span.is_log,
            -span.began,
            -span.span,
            -self.order[key],
        )

    def owned(self) -> dict[Key, tuple[Key, bool, Key | None]]:
        """(call, billed, duplicate of) of each view."""
        self.payers: dict[Key, Key] = {}
        views = [key for key, span in self.known.items() if span.role in (MODEL, TOOL) and self.outer(key) is None]
        found = {}
        for call in self.merged([call for key in views for call in self.calls(key)]):
            if call.payer is not None:
                self.payers |= dict.fromkeys(call.views, call.payer)
            earliest = min(call.views, key=self.order.__getitem__)
            for view in call.views:
                billed = view == call.billing
                found[view] = (earliest, billed, None if billed else call.billing)
        return found

    def placements(self) -> dict[Key, tuple[object, ...]]:
        owned = self.owned()
        return {
            key: (
                *self.inherited(self.payers.get(key, key)),
                *owned.get(key, (None, False, None)),
                self.beneath(self.payers.get(key, key)) if self.known[key].role == MODEL else -1,
            )
            for key in self.known
        }

    def beneath(self, key: Key) -> int:
        """The nearest tool above that has a name."""
        tools = [self.known[up].tool for up in self.above(key) if self.known[up].role == TOOL]
        return next((tool for tool in tools if tool >= 0), -1)

    def inherited(self, key: Key) -> tuple[int, tuple[int, object]]:
        path = [key, *self.above(key)]
        agent = next((self.known[k].agent for k in path if self.known[k].agent >= 0), -1)
        explicit = next((self.known[k].run for k in path if self.known[k].run >= 0), -1)
        tops = [k for k in path if self.known[k].role in (AGENT, WORKFLOW)]
        turn = self.turn(tops[-1] if tops else key)
        if explicit >= 0:
            return agent, (RUN_EXPLICIT, explicit)
        if turn is not None:
            return agent, (RUN_BY_TURN, turn)
        if tops:
            return agent, (RUN_BY_AGENT, tops[-1])
        if self.known[key].role == DEFINITION:
            return agent, (NO_RUN, -1)
        return agent, (RUN_BY_CONVERSATION if self.talks(key[0]) else RUN_BY_TRACE, key[0])

    def talks(self, trace: int) -> bool:
        """Whether nothing in the trace names a run, and its calls that miss no span above name one conversation."""
        spans = {key: span for key, span in self.known.items() if key[0] == trace}
        if any(span.run >= 0 or span.turn >= 0 or span.role in (AGENT, WORKFLOW) for span in spans.values()):
            return False
        calls = [k for k, span in spans.items() if span.role in (MODEL, TOOL) and self.is_rooted(k)]
        told = {self.talk(k) for k in calls if not (spans[k].is_log and spans[k].parent is not None)}
        return len(told) == 1 and -1 not in told

    def talk(self, key: Key) -> int:
        return next((self.known[k].talk for k in [key, *self.above(key)] if self.known[k].talk >= 0), -1)

    def is_rooted(self, key: Key) -> bool:
        span = self.known[[key, *self.above(key)][-1]]
        return span.parent in (None, span.span) or (span.trace, span.parent) in self.known

    def turn(self, key: Key) -> int | None:
        """The turn named at or above `key`, else, if it is an agent or workflow, the only one named below it."""
        at_or_above = [self.known[k].turn for k in [key, *self.above(key)] if self.known[k].turn >= 0]
        if at_or_above or self.known[key].role not in (AGENT, WORKFLOW):
            return at_or_above[0] if at_or_above else None
        below = {span.turn for k, span in self.known.items() if key in self.above(k)} - {-1}
        return below.pop() if len(below) == 1 else None

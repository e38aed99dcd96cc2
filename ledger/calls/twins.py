"""Views of one call of which none lies around the other, and whether two model spans, or log records that report what
models did, may be such views.

Guarantee: the spans of one instrumentation in one service are never taken together, whatever their ids say, for random
ids repeat, and mocks and caches replay them; nor are its log records of one event name.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from ledger.calls.beside import Beside
from ledger.calls.columns import Columns, numbered
from ledger.calls.forest import SPAN, Forest, NewSpans
from ledger.calls.moments import Moments, SameModel
from ledger.calls.roles import MODEL
from ledger.calls.rules import NO_VIEW, SAME_MOMENT, SAME_RESPONSE, SAME_SPAN, SUSPECTED
from ledger.calls.sightings import Sightings
from ledger.calls.span_logs import SpanLogs

TOKENS_APART_MAX = 2
"""Totals of two views of one call differ by a token or two: some count a stream's first message twice."""
APART_NS_MAX = 24 * 3600 * 1_000_000_000
"""The same id a day later is a replay."""

_VERSION = re.compile(r"([-@:](latest|\d{3,8}|\d{4}-\d\d-\d\d))?")
"""What providers put behind the name of a model to name one state of it."""


class Twins:
    """Finds them among the spans of the open traces; they are rare."""

    def __init__(self, same_model: SameModel) -> None:
        self._same_model = same_model
        self._sightings, self._beside, self._logs = Sightings(), Beside(self.agree), SpanLogs()
        self._moments = Moments(same_model)
        self._touched = set[int]()

    def __bool__(self) -> bool:
        return any(map(bool, (self._sightings, self._beside, self._logs, self._moments)))

    def add(self, forest: Forest, rows: np.ndarray) -> None:
        """Take in the new spans `rows`, in journal order, and mark whose twins may be others now: column `paired`."""
        nodes = forest.nodes
        models = rows[nodes["role"][rows] == MODEL]
        spans = models[nodes["signal"][models] == SPAN]
        touched = self._sightings.add(forest, models) | self._beside.add(forest, spans) | self._logs.add(forest, models)
        nodes["paired"][list(touched)] = True
        self._touched = touched

    def follow(self, forest: Forest, rows: np.ndarray) -> None:
        """Follow what `rows`, new ones and those below, have inherited, and mark as `add` does."""
        touched = self._moments.follow(forest, rows)
        forest.nodes["paired"][list(touched)] = True
        self._touched |= touched

    def touched(self, nodes: Columns, rows: np.ndarray) -> set[int]:
        """Rows to be decided about together with others: those that `add` found, and any of `rows` that has twins."""
        if not self:
            return set()
        return self._touched | set(rows[nodes["paired"][rows]].tolist())

    def of(self, forest: Forest, row: int) -> Iterable[int]:
        """Rows that may be twins of `row`."""
        if forest.nodes["paired"][row]:
            yield from self._sightings.of(forest, row)
            yield from self._beside.of(row)
            yield from self._logs.of(forest, row)
            yield from self._moments.of(row)

    def reason(self, forest: Forest, one: Sequence[int], other: Sequence[int]) -> int:
        """Why the views `one` and `other` are of one call: SAME_RESPONSE, SAME_SPAN, SAME_MOMENT or SUSPECTED; else
        NO_VIEW."""
        pairs = [(a, b) for a in one for b in other]
        if any(_same_source(forest.nodes, a, b) for a, b in pairs):
            return NO_VIEW
        if any(self._same_response(forest, a, b) for a, b in pairs):
            return SAME_RESPONSE
        if any(b in self._logs.of(forest, a) for a, b in pairs):
            return SAME_SPAN
        if any(b in self._moments.of(a) for a, b in pairs):
            return SAME_MOMENT
        return SUSPECTED if any(b in self._beside.of(a) for a, b in pairs) else NO_VIEW

    def agree(self, nodes: Columns, one: int, other: int) -> bool:
        """Whether model and tokens are the same, as far as both know them."""
        return self._same_model(int(nodes["model"][one]), int(nodes["model"][other])) and tokens_agree(
            nodes, one, other
        )

    def knows(self, forest: Forest, tenants: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """Whether spans that name these responses are open, and with them all of the ledger that name them."""
        known: np.ndarray = self._sightings.find_ids(forest, tenants, responses) >= 0
        return known

    def knows_moments(self, tenants: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """The same of views that stand apart."""
        return self._moments.knows(tenants, moments)

    @property
    def across(self) -> bool:
        """Whether views that may be of one call were ever seen in several traces."""
        return self._sightings.across or self._moments.across

    def linking(self, forest: Forest, new: NewSpans) -> tuple[np.ndarray, np.ndarray]:
        """Positions of `new` that stand apart or name a response which a span of another trace names, among `new` or in
        the forest, and the traces of those in the forest."""
        named = np.flatnonzero(new.own["response"])
        responses, tenants = new.own["response"][named], new.tenant[named]
        rows = self._sightings.find_ids(forest, tenants, responses)
        traces, at = forest.traces, forest.nodes["trace"][rows]
        other = (traces["hi"][at] != new.trace_hi[named]) | (traces["lo"][at] != new.trace_lo[named])
        other &= rows >= 0
        first, number = numbered(tenants, responses)
        one = named[first][number]
        differs = (new.trace_hi[one] != new.trace_hi[named]) | (new.trace_lo[one] != new.trace_lo[named])
        shared = np.isin(number, number[differs])
        return np.concatenate([named[other | shared], np.flatnonzero(new.own["moment"])]), at[other]

    def named(self, forest: Forest, rows: np.ndarray) -> np.ndarray:
        """Positions of `rows` whose response may have to be found again: not those of a mock that repeats its ids."""
        named = np.flatnonzero(forest.nodes["response"][rows])
        first = self._sightings.find(forest, rows[named]) == rows[named]
        kept: np.ndarray = named[first | forest.nodes["paired"][rows[named]]]
        return kept

    def apart(self, forest: Forest, rows: np.ndarray) -> np.ndarray:
        """Positions of `rows` that stand apart and may have to be found again."""
        apart = np.flatnonzero(forest.nodes["moment"][rows])
        kept: np.ndarray = apart[self._moments.holds(rows[apart])]
        return kept

    def linked(self, forest: Forest) -> list[np.ndarray]:
        """Sets of traces that share a response, or a group of moments."""
        trace = forest.nodes["trace"]
        return [np.unique(trace[rows]) for rows in (*self._sightings.apart(forest), *self._moments.groups())]

    def renumber(self, forest: Forest, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept."""
        self._sightings.renumber(forest, renumber)
        self._beside.renumber(renumber)
        self._logs.renumber(renumber)
        self._moments.renumber(renumber)

    def _same_response(self, forest: Forest, one: int, other: int) -> bool:
        nodes = forest.nodes
        if not nodes["response"][one] or nodes["response"][one] != nodes["response"][other]:
            return False
        apart = abs(int(nodes["ended_ns"][one]) - int(nodes["ended_ns"][other]))
        compared = {one, other} <= set(self._sightings.of(forest, one))
        return apart <= APART_NS_MAX and compared and self.agree(nodes, one, other)


def tokens_agree(nodes: Columns, one: int, other: int) -> bool:
    """Whether the totals that both views know differ by no more than TOKENS_APART_MAX."""
    known = [name for name in ("input", "output") if nodes[f"{name}_known"][one] and nodes[f"{name}_known"][other]]
    return all(
        abs(int(nodes[f"{name}_tokens"][one]) - int(nodes[f"{name}_tokens"][other])) <= TOKENS_APART_MAX
        for name in known
    )


def _same_source(nodes: Columns, one: int, other: int) -> bool:
    return bool(nodes["service"][one] == nodes["service"][other] and nodes["scope"][one] == nodes["scope"][other])


def same_model(one: str | None, other: str | None) -> bool:
    """Whether two names mean one model: one may carry a provider before a slash, or a date or version behind a dash.

    A view that names no model contradicts none.
    """
    if one is None or other is None:
        return True
    short, long = sorted((one.lower().rsplit("/", 1)[-1], other.lower().rsplit("/", 1)[-1]), key=len)
    return long.startswith(short) and _VERSION.fullmatch(long[len(short) :]) is not None

"""What calls of other agents below its spans cost each agent: beside the books, for `inclusive_cost_usd`.

A call is booked on the nearest agent above it alone. All further agents above get its cost here, once each, in the hour
of the call; an agent beneath itself is none. It is kept what was posted of each trace, so that only changes are.
"""

from collections.abc import Mapping
from decimal import Decimal
from itertools import compress

import numpy as np
import pyarrow as pa

from ledger.calls.columns import packed
from ledger.calls.forest import Forest
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.rollups import HOUR_NS
from ledger.schema import ARROW

Key = tuple[int, str | None, str | None, str | None, str | None, str | None, str | None]
"""hour_ns, tenant, environment, service_name, agent_name, user_id and team of the agent above."""
_NAMED = ("hour_ns", "tenant", "environment", "service_name", "agent_name", "user_id", "team")
Trace = tuple[int, int, int]
"""Code of the tenant, and the two halves of the id."""


class Beneath:
    """Of the traces that are open."""

    def __init__(self) -> None:
        self._posted: dict[Trace, dict[Key, Decimal]] = {}

    def rows(self, forest: Forest, texts: Texts, store: LineStore, traces: np.ndarray) -> pa.Table:
        """schema.ROLLUPS by which what is posted of `traces` (trace rows) has to change, and notes it as posted."""
        found = []
        for row in traces[forest.traces["nested"][traces]].tolist():
            tenant, high, low = (int(forest.traces[name][row]) for name in ("tenant", "hi", "lo"))
            trace = tenant, high, low
            now, before = _costs(forest, texts, store, row), self._posted.get(trace, {})
            found.append(_rollups(_changes(before, now), int(forest.traces["event_seq"][row])))
            self._posted[trace] = now
        return pa.concat_tables(found) if found else ARROW["rollups"].empty_table()

    def forget(self, forest: Forest) -> None:
        """Keep what is posted of traces that are open."""
        if not self._posted:
            return
        tenant, high, low = zip(*self._posted, strict=True)
        halves = (np.array(half, dtype=np.uint64) for half in (high, low))
        is_open = forest.find_traces(np.array(tenant, dtype=np.int64), *halves) >= 0
        self._posted = dict(compress(self._posted.items(), is_open))


def _changes(before: dict[Key, Decimal], now: dict[Key, Decimal]) -> dict[Key, Decimal]:
    nothing = Decimal(0)
    return {key: now.get(key, nothing) - before.get(key, nothing) for key in (before | now)}


def _costs(forest: Forest, texts: Texts, store: LineStore, trace: int) -> dict[Key, Decimal]:
    """What each agent above others is to be given of the calls of one trace that have a known cost."""
    nodes, rows = forest.nodes, forest.rows_in(np.array([trace]))
    rows = rows[nodes["p_billed"][rows]]
    rows = rows[nodes["b_row"][nodes["p_call"][rows]] == rows]
    call, above = _others_above(forest, rows)
    cost, found = _costs_of(forest, store, rows), dict[Key, Decimal]()
    for at, agent in zip(call.tolist(), above.tolist(), strict=True):
        if cost[at]:
            key = _key(forest, texts, int(rows[at]), agent)
            found[key] = found.get(key, Decimal(0)) + cost[at]
    return found


def _others_above(forest: Forest, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a position in `rows` and a row above that names another agent than it is booked on, the nearest of each
    such agent."""
    nodes, position = forest.nodes, np.arange(len(rows))
    above, pairs = nodes["parent"][rows], [(position[:0], rows[:0])]
    while len(above):
        up = above >= 0
        position, above = position[up], above[up]
        other = (nodes["own_agent"][above] >= 0) & (nodes["own_agent"][above] != nodes["p_agent"][rows[position]])
        pairs.append((position[other], above[other]))
        above = nodes["parent"][above]
    call, agent = (np.concatenate(column) for column in zip(*pairs, strict=True))
    _, first = np.unique(packed(call, nodes["own_agent"][agent]), return_index=True)
    return call[first], agent[first]


def _costs_of(forest: Forest, store: LineStore, rows: np.ndarray) -> list[Decimal]:
    """Known cost of the calls that `rows` bill."""
    nodes, calls = forest.nodes, forest.nodes["p_call"][rows]
    which, _, number = spread(nodes["b_line_first"][calls], nodes["b_line_count"][calls])
    costs = [Decimal(0)] * len(rows)
    for at, cost in zip(which.tolist(), store.costs(number).to_pylist(), strict=True):
        costs[at] += cost or Decimal(0)
    return costs


def _key(forest: Forest, texts: Texts, call: int, agent: int) -> Key:
    nodes = forest.nodes
    return (
        int(nodes["charged_ns"][call] // HOUR_NS * HOUR_NS),
        texts.tenant.text(int(forest.traces["tenant"][nodes["trace"][call]])),
        texts.environment.text(int(nodes["environment"][agent])),
        texts.service.text(int(nodes["service"][agent])),
        texts.agent.text(int(nodes["own_agent"][agent])),
        texts.user.text(int(nodes["p_user"][call])),
        texts.team.text(int(nodes["p_team"][call])),
    )


def _rollups(changes: Mapping[Key, Decimal], event_seq: int) -> pa.Table:
    """schema.ROLLUPS of `changes` alone."""
    lines = [
        {**dict(zip(_NAMED, key, strict=True)), **_NO_SUMS, "agents_usd": change, "event_seq": event_seq}
        for key, change in changes.items()
        if change
    ]
    return pa.Table.from_pylist(lines, schema=ARROW["rollups"])


_NO_SUMS: Mapping[str, object] = {
    **dict.fromkeys(("calls", "errors", "input_tokens", "output_tokens", "unpriced_calls", "result_calls"), 0),
    **dict.fromkeys(("cost_usd", "result_usd"), Decimal(0)),
}

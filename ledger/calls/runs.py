"""Which run a span is of. The first of these rules that applies, by number in `rules`:

an explicit id, own or inherited; a turn that the framework names; the topmost agent or workflow; the conversation,
where the trace goes by it (`talks`); the trace. A span that defines an agent, and lies in no run by one of the first
three, is of none; nor is what is read from metrics.

The turn of what lies below a topmost agent is that named at or above this agent, else the one that all spans below it
which name any agree on: some frameworks name it on calls alone.
"""

import numpy as np

from ledger.calls.columns import distinct
from ledger.calls.forest import METRIC, Forest
from ledger.calls.roles import DEFINITION
from ledger.calls.rules import (
    NO_RUN,
    RUN_BY_AGENT,
    RUN_BY_CONVERSATION,
    RUN_BY_TRACE,
    RUN_BY_TURN,
    RUN_EXPLICIT,
)


def run_of(forest: Forest, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rule and key of the run of each of `rows`: the code of an explicit id or turn, the row of the topmost agent, else
    -1 (that of the trace)."""
    nodes = forest.nodes
    explicit, top = nodes["run"][rows].astype(np.int64), nodes["top"][rows]
    turn = np.where(top >= 0, _turns(forest, top), nodes["turn"][rows])
    by_trace = np.where(forest.traces["talks"][nodes["trace"][rows]], RUN_BY_CONVERSATION, RUN_BY_TRACE)
    runless = (nodes["role"][rows] == DEFINITION) | (nodes["signal"][rows] == METRIC)
    otherwise = np.where(runless, NO_RUN, by_trace)
    cases = (explicit >= 0, turn >= 0, top >= 0)
    rule = np.select(cases, (RUN_EXPLICIT, RUN_BY_TURN, RUN_BY_AGENT), otherwise).astype(np.uint8)
    return rule, np.select(cases, (explicit, turn, top), -1)


def note_turns(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """Note which turns `rows`, which are brought up to date, name below their topmost agents. Returns the rows of all
    these agents for which others name the turn now, in no order."""
    nodes = forest.nodes
    rows = rows[nodes["own_turn"][rows] >= 0]
    rows = rows[nodes["top"][rows] >= 0]
    if not len(rows):
        return rows
    tops = distinct(nodes["top"][rows], nodes.rows)
    before = _turns(forest, tops)
    at, turn = nodes["top"][rows], nodes["own_turn"][rows]
    unnamed = nodes["turn_below"][at] < 0
    nodes["turn_below"][at[unnamed]] = turn[unnamed]  # of several one, no matter which: they are `turns_below` then
    nodes["turns_below"][at[nodes["turn_below"][at] != turn]] = True
    moved: np.ndarray = tops[_turns(forest, tops) != before]
    return moved


def _turns(forest: Forest, tops: np.ndarray) -> np.ndarray:
    """Code of the turn of each of `tops` (topmost agents; -1 for none), -1 where it has none."""
    nodes = forest.nodes
    own, below = nodes["turn"][tops], np.where(nodes["turns_below"][tops], -1, nodes["turn_below"][tops])
    found: np.ndarray = np.where(own >= 0, own, below).astype(np.int64)
    return found

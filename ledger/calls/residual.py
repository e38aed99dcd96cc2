"""What spans of agents and workflows know of tokens beyond what the calls below them bill: those of models whose client
reports nothing itself.

A span knows the sum of all that happened below it, or less: some leave out their sub-agents. So a difference below
nothing is none, and what is found nearest to the calls counts as billed for the spans around it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.calls.apart import of_apart
from ledger.calls.columns import Columns, packed
from ledger.calls.forest import SPAN, Forest
from ledger.calls.roles import AGENT, MODEL, WORKFLOW
from ledger.calls.twins import TOKENS_APART_MAX


@dataclass(frozen=True)
class Beyond:
    """A span that knows of more."""

    row: int
    input_tokens: int
    """In, inclusive of cache, beyond those of its calls."""
    output_tokens: int
    billing: np.ndarray
    """Rows that bill the calls below it."""


def sums_up(own: dict[str, np.ndarray], scopes: pa.ChunkedArray) -> np.ndarray:
    """Which of new spans (`own`: their columns in the forest) may know more than the calls below them: those around
    calls that report tokens. Where calls are told of by log records that stand apart, they lie below nothing."""
    around = ((own["role"] == AGENT) | (own["role"] == WORKFLOW)) & (own["signal"] == SPAN)
    found: np.ndarray = around & (own["input_tokens"] + own["output_tokens"] > 0)
    return found & ~of_apart(scopes) if found.any() else found


def beyond_calls(forest: Forest, traces: np.ndarray) -> list[Beyond]:
    """What is known in `traces` (trace rows) beyond what is billed there, the innermost first. Looks at all rows."""
    nodes, rows = forest.nodes, forest.rows_in(traces)
    around = rows[nodes["sums_up"][rows]]
    if not len(around):
        return []
    at, billing = _billed_below(nodes, rows, around)
    knows, counted = (np.zeros((2, len(around)), dtype=np.int64) for _ in range(2))
    for number, name in enumerate(("input_tokens", "output_tokens")):
        knows[number] = nodes[name][around]
        np.add.at(counted[number], at, nodes[name][billing])
    if not _is_more(knows - counted, np.bincount(at, minlength=len(around))).any():
        return []
    return _innermost_first(nodes, around, knows, counted, at, billing)


def _is_more(rest: np.ndarray, calls: np.ndarray) -> np.ndarray:
    """Whether `rest` (2 x n) is more than what `calls` views may differ by."""
    more: np.ndarray = np.maximum(rest, 0).sum(axis=0) > TOKENS_APART_MAX * np.maximum(calls, 1)
    return more


def _innermost_first(
    nodes: Columns, around: np.ndarray, knows: np.ndarray, counted: np.ndarray, at: np.ndarray, billing: np.ndarray
) -> list[Beyond]:
    above, found = _above(nodes, around), []
    for one in sorted(range(len(around)), key=lambda position: (-len(above[position]), position)):
        rest, calls = np.maximum(knows[:, one] - counted[:, one], 0), billing[at == one]
        if _is_more(rest[:, None], np.array([len(calls)]))[0]:
            found.append(Beyond(int(around[one]), int(rest[0]), int(rest[1]), calls))
            counted[:, above[one]] += rest[:, None]
    return found


def _billed_below(nodes: Columns, rows: np.ndarray, around: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position in `around` and billing row of each call that has a view below, once for each of these."""
    views = rows[(nodes["p_call"][rows] >= 0) & (nodes["role"][rows] == MODEL)]
    billing = nodes["biller"][nodes["p_call"][views]]
    views, billing = views[billing >= 0], billing[billing >= 0]
    pairs = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    place = np.full(nodes.rows + 1, -1, dtype=np.int64)
    place[around] = np.arange(len(around))
    above = nodes["parent"][views]
    while len(above):
        at = place[above]
        pairs.append((at[at >= 0], billing[at >= 0]))
        up = above >= 0
        above, billing = nodes["parent"][above[up]], billing[up]
    at, billing = (np.concatenate(column) for column in zip(*pairs, strict=True))
    _, first = np.unique(packed(at, billing), return_index=True)
    return at[first], billing[first]


def _above(nodes: Columns, around: np.ndarray) -> list[list[int]]:
    """Positions in `around` of those that lie above each."""
    place = {int(row): at for at, row in enumerate(around)}
    found = []
    for row in around.tolist():
        positions, above = list[int](), int(nodes["parent"][row])
        while above >= 0:
            if above in place:
                positions.append(place[above])
            above = int(nodes["parent"][above])
        found.append(positions)
    return found

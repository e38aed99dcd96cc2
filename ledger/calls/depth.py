"""Chains of spans deeper than any agent makes: a loop that nests in itself, or an attack on whoever walks them.

Guarantees: no span has more than DEPTH_MAX others above it, so what one late span can change is bounded. Links are made
in the order of the journal, and one that would make a longer chain is not made (its span becomes a root); the outcome
is the same however the journal is cut into batches. Any chain short enough is left alone.
"""

import numpy as np

from ledger.calls.columns import Columns

DEPTH_MAX = 256
"""Spans above a span. Agents that call agents through several frameworks come to some dozens."""


def shorten(nodes: Columns, children: np.ndarray) -> None:
    """Unlink those of `children` whose new link makes a chain too long, and bring the column `height` up to date.

    `children`: rows that were just given a parent, all in one event of their trace; circles are cut already.
    """
    # The longest chain through a new link has below its lowest one only old links, whose height is known.
    if len(children) and (_above(nodes, children) + nodes["height"][children]).max() > DEPTH_MAX:
        _link_one_by_one(nodes, children)
    else:
        _raise_above(nodes, children)


def _above(nodes: Columns, rows: np.ndarray) -> np.ndarray:
    """Spans above each of `rows`; one more than DEPTH_MAX where there are more."""
    parent, above = nodes["parent"], np.zeros(len(rows), dtype=np.int64)
    which, at = np.arange(len(rows)), parent[rows]
    for _ in range(DEPTH_MAX + 1):
        which, at = which[at >= 0], at[at >= 0]
        if not len(which):
            break
        above[which] += 1
        at = parent[at]
    return above


def _raise_above(nodes: Columns, rows: np.ndarray) -> None:
    parent, height = nodes["parent"], nodes["height"]
    at, least = parent[rows], height[rows] + 1
    while True:
        lower = (at >= 0) & (height[at] < least)
        at, least = at[lower], least[lower]
        if not len(at):
            return
        np.maximum.at(height, at, least)
        at, least = parent[at], least + 1


def _link_one_by_one(nodes: Columns, children: np.ndarray) -> None:
    parent, height = nodes["parent"], nodes["height"]
    order = np.lexsort((nodes["span_index"][children], nodes["source_seq"][children]))
    ordered = children[order]
    wanted = parent[ordered].tolist()
    parent[ordered] = -1
    for child, above in zip(ordered.tolist(), wanted, strict=True):
        if _may_link(parent, child, above, DEPTH_MAX - int(height[child])):
            parent[child] = at = above
            least = int(height[child]) + 1
            while at >= 0 and height[at] < least:
                height[at] = least
                at, least = int(parent[at]), least + 1


def _may_link(parent: np.ndarray, child: int, above: int, rows_max: int) -> bool:
    """Whether there are at most `rows_max` rows from `above` upward, and `child` is none of them."""
    rows = 0
    while above >= 0:
        rows += 1
        if above == child or rows > rows_max:
            return False
        above = int(parent[above])
    return True

"""Spans that name each other as parents. OTLP does not forbid it on the wire, so it arrives."""

import numpy as np

from ledger.calls.columns import Columns

STEPS_MAX = 64
"""A chain this long is walked in step; longer ones, which no agent makes, one by one."""


def cut(nodes: Columns, children: np.ndarray) -> None:
    """Unlink, in each circle of parents, the span that came last in the journal.

    The circle closes when that span arrives, so the outcome is the same however the journal is cut into batches.
    `children`: rows that were just given a parent; only they can close a circle.
    """
    parent = nodes["parent"]
    start, at = children, parent[children]
    for _ in range(STEPS_MAX):
        alive = (at >= 0) & (at != start)
        circular = start[at == start]
        if len(circular):
            _cut_last(nodes, circular)
        start, at = start[alive], parent[at[alive]]
        if not len(start):
            return
    _cut_long(nodes, start)


def _cut_long(nodes: Columns, starts: np.ndarray) -> None:
    parent, done = nodes["parent"], set[int]()
    for start in starts.tolist():
        path, at = set[int](), start
        while at >= 0 and at not in done and at not in path:
            path.add(at)
            at = int(parent[at])
        if at in path:
            _cut_last(nodes, np.array([at]))
        done |= path


def _cut_last(nodes: Columns, members: np.ndarray) -> None:
    parent = nodes["parent"]
    for member in members.tolist():
        circle, at = [member], int(parent[member])
        while at not in (-1, member):
            circle.append(at)
            at = int(parent[at])
        if at == member:
            parent[max(circle, key=lambda row: (nodes["source_seq"][row], nodes["span_index"][row]))] = -1

"""From decisions to rows: what changed for which span, and from which event on."""

from dataclasses import dataclass

import numpy as np

from ledger.calls.forest import Forest
from ledger.calls.owner import Decision
from ledger.calls.rules import NO_VIEW, RUN_BY_AGENT, RUN_BY_TRACE, RUN_EXPLICIT

PLACED_FROM = {"p_agent": "agent", "p_conversation": "conversation", "p_user": "user", "p_team": "team"}
"""Placed column -> inherited column it repeats."""


@dataclass(frozen=True)
class Change:
    """Spans whose placement changed. The forest holds the new; `before` is the event of the old, -1 for none."""

    rows: np.ndarray
    before: np.ndarray


def place(forest: Forest, rows: np.ndarray, decision: Decision) -> Change:
    """Write the placements of `rows` and of the decided views into the forest and tell which are new or other."""
    rows = np.union1d(rows, decision.rows)
    wanted = _wanted(forest, rows, decision)
    nodes = forest.nodes
    before = nodes["p_seq"][rows]
    changed = before < 0
    for name, values in wanted.items():
        changed = changed | (nodes[name][rows] != values)
    moved = rows[changed]
    for name, values in wanted.items():
        nodes[name][moved] = values[changed]
    nodes["p_seq"][moved] = forest.traces["event_seq"][nodes["trace"][moved]]
    return Change(moved, before[changed])


def _wanted(forest: Forest, rows: np.ndarray, decision: Decision) -> dict[str, np.ndarray]:
    nodes = forest.nodes
    wanted = {placed: nodes[inherited][rows] for placed, inherited in PLACED_FROM.items()}
    wanted["p_rule"], wanted["p_run"] = _run(forest, rows)
    at = np.searchsorted(rows, decision.rows)
    for name, fill, values in (
        ("p_call", -1, decision.call),
        ("p_billed", False, decision.billed),
        ("p_reason", NO_VIEW, decision.reason),
        ("p_dup", -1, decision.duplicate_of),
    ):
        wanted[name] = np.full(len(rows), fill, dtype=nodes[name].dtype)
        wanted[name][at] = values
    return wanted


def _run(forest: Forest, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rule and key of the run: code of the explicit id, else row of the topmost agent, else -1 (the trace)."""
    nodes = forest.nodes
    explicit, top = nodes["run"][rows].astype(np.int64), nodes["top"][rows]
    rule = np.where(explicit >= 0, RUN_EXPLICIT, np.where(top >= 0, RUN_BY_AGENT, RUN_BY_TRACE)).astype(np.uint8)
    return rule, np.where(explicit >= 0, explicit, top)

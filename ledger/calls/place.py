"""From decisions to rows: what changed for which span, and from which event on."""

import numpy as np

from ledger.calls.columns import Frame, distinct
from ledger.calls.forest import Forest
from ledger.calls.owner import Decision
from ledger.calls.roles import MODEL
from ledger.calls.rules import NO_VIEW, RUN_OF_TRACE
from ledger.calls.runs import run_of

PLACED_FROM = {"p_agent": "agent", "p_conversation": "conversation", "p_user": "user", "p_team": "team"}
"""Placed column -> inherited column it repeats."""


def place(forest: Forest, rows: np.ndarray, decision: Decision) -> Frame:
    """Write the placements of `rows` and of the decided views into the forest and give those that are new or other.

    Columns: row, before (event that wrote the placement now out of force, -1 none), p_seq and the other columns placed.
    """
    rows = distinct(np.concatenate([rows, decision.rows]), forest.nodes.rows)
    wanted = _wanted(forest, rows, decision)
    nodes = forest.nodes
    before = nodes["p_seq"][rows]
    changed = before < 0
    for name, values in wanted.items():
        changed = changed | (nodes[name][rows] != values)
    moved = rows[changed]
    placed = {name: values[changed] for name, values in wanted.items()}
    placed["p_seq"] = forest.traces["event_seq"][nodes["trace"][moved]]
    for name, values in placed.items():
        nodes[name][moved] = values
    return {"row": moved, "before": before[changed], **placed}


def _wanted(forest: Forest, rows: np.ndarray, decision: Decision) -> Frame:
    nodes = forest.nodes
    at = np.searchsorted(rows, decision.rows)
    payers = rows.copy()
    payers[at] = decision.payer
    wanted = {placed: nodes[inherited][payers] for placed, inherited in PLACED_FROM.items()}
    wanted["p_beneath"] = np.where(nodes["role"][rows] == MODEL, nodes["beneath"][payers], -1)
    wanted["p_rule"], run = run_of(forest, payers)
    elsewhere = nodes["trace"][payers] != nodes["trace"][rows]
    wanted["p_run"] = np.where(elsewhere & np.isin(wanted["p_rule"], RUN_OF_TRACE), payers, run)
    for name, fill, values in (
        ("p_call", -1, decision.call),
        ("p_billed", False, decision.billed),
        ("p_reason", NO_VIEW, decision.reason),
        ("p_dup", -1, decision.duplicate_of),
    ):
        wanted[name] = np.full(len(rows), fill, dtype=nodes[name].dtype)
        wanted[name][at] = values
    return wanted

"""Which reading of metrics bills: the last of those that are of one call, while nothing else tells of its calls.

Data points of one conversation, model and moment are one call; those that a later event adds make a new reading, which
says what all of them add up to. Readings of one call stand in a trace of their own, each without parent or child.
"""

import numpy as np

from ledger.calls.columns import distinct, starts
from ledger.calls.forest import METRIC, Forest
from ledger.calls.rules import EARLIER_READING, LAST_READING, SOLE, TOLD_BY_VIEWS


def in_traces(forest: Forest, traces: np.ndarray) -> np.ndarray:
    """Rows of the readings in `traces` (trace rows), by trace and in journal order. Looks at all rows."""
    nodes, rows = forest.nodes, forest.rows_in(traces)
    rows = rows[nodes["signal"][rows] == METRIC]
    order = np.lexsort((nodes["span_index"][rows], nodes["source_seq"][rows], nodes["trace"][rows]))
    found: np.ndarray = rows[order]
    return found


def decided(forest: Forest, readings: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of calls.owner.Decision about all readings in the traces of `readings` (rows)."""
    nodes = forest.nodes
    rows = in_traces(forest, distinct(nodes["trace"][readings], forest.traces.rows))
    begins = starts(nodes["trace"][rows])
    call = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    is_last = np.append(begins[1:], True)[: len(rows)]
    last = np.flatnonzero(is_last)[np.cumsum(begins) - 1]
    told = nodes["told"][rows]
    reason = np.where(is_last, np.where(call == last, SOLE, LAST_READING), EARLIER_READING)
    return {
        "rows": rows,
        "call": rows[call],
        "billed": is_last & ~told,
        "reason": np.where(told, TOLD_BY_VIEWS, reason).astype(np.uint8),
        "duplicate_of": np.where(is_last | told, -1, rows[last]),
        "payer": rows,
        "reporter": np.where(nodes["greater"][rows[last]], rows[last], -1),
    }

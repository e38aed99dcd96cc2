"""What a settlement bills: what a span around calls knew of beyond them, as a leaf below it, until its trace is touched
again. Then all of it is taken back, and settled anew once the trace has been at rest again.
"""

import numpy as np

from ledger.calls.forest import SETTLEMENT, Forest
from ledger.calls.rules import BEYOND_CALLS, SETTLED_ANEW


def standing_in(forest: Forest, traces: np.ndarray) -> np.ndarray:
    """Rows of the settlements in `traces` (trace rows) that were not taken back. Looks at all rows."""
    nodes, n = forest.nodes, forest.nodes.rows
    rows = np.flatnonzero((nodes["signal"][:n] == SETTLEMENT) & ~nodes["told"][:n])
    found: np.ndarray = rows[np.isin(nodes["trace"][rows], traces)] if len(rows) else rows
    return found


def decided(forest: Forest, settlements: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of calls.owner.Decision about `settlements` (rows), each of which is a call of its own."""
    told, none = forest.nodes["told"][settlements], np.full(len(settlements), -1, dtype=np.int64)
    return {
        "rows": settlements,
        "call": settlements,
        "billed": ~told,
        "reason": np.where(told, SETTLED_ANEW, BEYOND_CALLS).astype(np.uint8),
        "duplicate_of": none,
        "payer": settlements,
        "reporter": none,
    }

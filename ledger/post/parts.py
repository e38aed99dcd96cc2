"""What traces hold of which runs: their spans, each in its part."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.calls.forest import Forest
from ledger.calls.rules import NO_RUN

LATEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Parts:
    """The spans of some traces, each in its part: `rows` of the forest, and of each the number of its `part`."""

    forest: Forest
    rows: np.ndarray
    part: np.ndarray
    count: int

    def own(self, name: str) -> np.ndarray:
        """A column of the forest, by position."""
        values: np.ndarray = self.forest.nodes[name][self.rows]
        return values

    def number(self, which: np.ndarray) -> np.ndarray:
        """How many positions of each part are among `which` (a mask)."""
        counts: np.ndarray = np.bincount(self.part[which], minlength=self.count)
        return counts

    def total(self, values: np.ndarray, which: np.ndarray) -> pa.Array:
        """Sum of `values` over the mask `which`; NULL for a part that has none."""
        sums = np.zeros(self.count, dtype=np.int64)
        np.add.at(sums, self.part[which], values[which])
        return pa.array(sums, mask=self.number(which) == 0)

    def least(self, values: np.ndarray) -> np.ndarray:
        found = np.full(self.count, LATEST)
        np.minimum.at(found, self.part, values)
        return found


def parts_of(forest: Forest, touched: np.ndarray) -> Parts:
    """All that is known now of the traces `touched` (trace rows)."""
    nodes, n = forest.nodes, forest.nodes.rows
    marked = np.zeros(forest.traces.rows, dtype=np.bool_)
    marked[touched] = True
    rows = np.flatnonzero(marked[nodes["trace"][:n]] & nodes["real"][:n])
    rows = rows[nodes["p_rule"][rows] != NO_RUN]
    rule, run, trace = nodes["p_rule"][rows], nodes["p_run"][rows], nodes["trace"][rows]
    key = trace << 35 | (run + 1) << 3 | rule  # one number for (trace, rule, run)
    encoded = pa.array(key).dictionary_encode()
    return Parts(forest, rows, encoded.indices.to_numpy(), len(encoded.dictionary))

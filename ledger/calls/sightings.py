"""Model spans that name the same response of a provider: a client's and a library's, a gateway's and its client's."""

from collections.abc import Iterable

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.index import HashIndex, mix

SIGHTINGS_MAX = 8
"""Views of one response id that are compared. More are a mock or a cache that repeats its ids: each is a call."""


class Sightings:
    """Rows by response id, within a trace. Only ids that were seen again take room beyond their row."""

    def __init__(self) -> None:
        self._first = HashIndex()
        self._again: dict[int, list[int]] = {}
        """First row of an id that was seen again -> all its rows, in journal order."""

    def __bool__(self) -> bool:
        return bool(self._again)

    def add(self, nodes: Columns, models: np.ndarray) -> set[int]:
        """Take in new model spans, in journal order. Returns the rows whose sightings changed."""
        rows = models[nodes["response"][models] != 0]
        new = rows[self._find(nodes, rows) < 0]
        first = new[np.unique(_key(nodes, new), return_index=True)[1]]
        self._insert(nodes, first)
        again = rows if not len(first) else np.setdiff1d(rows, first, assume_unique=True)
        again = again[np.lexsort((nodes["span_index"][again], nodes["source_seq"][again]))]
        touched = set[int]()
        for row, head in zip(again.tolist(), self._find(nodes, again).tolist(), strict=True):
            seen = self._again.setdefault(head, [head])
            if len(seen) < SIGHTINGS_MAX:
                seen.append(row)
                touched |= {head, row}
        return touched

    def of(self, nodes: Columns, row: int) -> Iterable[int]:
        """All rows that name the response of `row`, itself among them if there are others."""
        if not nodes["response"][row] or not self._again:
            return ()
        return self._again.get(int(self._find(nodes, np.array([row]))[0]), ())

    def renumber(self, nodes: Columns, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept: all of a trace, or none."""
        kept = [[int(renumber[row]) for row in rows] for rows in self._again.values() if renumber[rows[0]] >= 0]
        self._again = {rows[0]: rows for rows in kept}
        self._first = HashIndex()
        named = np.flatnonzero(nodes["response"][: nodes.rows] != 0)
        named = named[np.lexsort((nodes["span_index"][named], nodes["source_seq"][named]))]
        self._insert(nodes, named[np.unique(_key(nodes, named), return_index=True)[1]])

    def _find(self, nodes: Columns, rows: np.ndarray) -> np.ndarray:
        response, trace = nodes["response"], nodes["trace"]

        def same(found: np.ndarray, which: np.ndarray) -> np.ndarray:
            equal: np.ndarray = (response[found] == response[rows[which]]) & (trace[found] == trace[rows[which]])
            return equal

        return self._first.find(_key(nodes, rows), same)

    def _insert(self, nodes: Columns, rows: np.ndarray) -> None:
        self._first.insert(_key(nodes, rows), rows, mix(nodes["response"], nodes["trace"]))


def _key(nodes: Columns, rows: np.ndarray) -> np.ndarray:
    return mix(nodes["response"][rows], nodes["trace"][rows])

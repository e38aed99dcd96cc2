"""Model spans that name the same response of a provider: a client's and a library's, a gateway's and its client's.

They may lie in different traces of a tenant. What is one call is then decided about together, so traces that share a
response are linked: open together, forgotten together.
"""

from collections.abc import Iterable

import numpy as np

from ledger.calls.forest import Forest
from ledger.calls.index import HashIndex, mix

SIGHTINGS_MAX = 8
"""Views of one response id that are compared, the first in journal order. More are a mock or a cache that repeats its
ids: each is a call of its own."""


class Sightings:
    """Rows by response id. Only ids that were seen again take room beyond their row."""

    def __init__(self) -> None:
        self._one = HashIndex()
        """One row of each id."""
        self.across = False
        """Whether an id was seen in several traces."""
        self._again: dict[int, list[int]] = {}
        """That row, where the id was seen again -> all its rows, in journal order."""

    def __bool__(self) -> bool:
        return bool(self._again)

    def add(self, forest: Forest, models: np.ndarray) -> set[int]:
        """Take in new model spans. Returns the rows whose sightings changed."""
        rows = models[forest.nodes["response"][models] != 0]
        new = rows[self.find(forest, rows) < 0]
        first = new[np.unique(_key(forest, new), return_index=True)[1]]
        self._insert(forest, first)
        again = rows if not len(first) else np.setdiff1d(rows, first, assume_unique=True)
        touched = set[int]()
        for row, one in zip(again.tolist(), self.find(forest, again).tolist(), strict=True):
            before = self._again.get(one, [one])
            seen = sorted({*before, row}, key=forest.order)
            self._again[one] = seen[:SIGHTINGS_MAX]
            if self._again[one] == before:
                continue  # one more of a mock: a call of its own
            touched.update(seen)
            traces = forest.nodes["trace"][seen]
            if (traces != traces[0]).any():
                self.across = True
                forest.traces["linked"][traces] = True
        return touched

    def of(self, forest: Forest, row: int) -> Iterable[int]:
        """All rows that name the response of `row`, itself among them if there are others."""
        if not forest.nodes["response"][row] or not self._again:
            return ()
        return self._again.get(int(self.find(forest, np.array([row]))[0]), ())

    def find(self, forest: Forest, rows: np.ndarray) -> np.ndarray:
        """A row with the tenant and response id of each of `rows`, -1 where none is held."""
        nodes = forest.nodes
        return self.find_ids(forest, forest.traces["tenant"][nodes["trace"][rows]], nodes["response"][rows])

    def find_ids(self, forest: Forest, tenants: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """The same of (tenant, response) pairs."""
        nodes, traces = forest.nodes, forest.traces

        def same(found: np.ndarray, which: np.ndarray) -> np.ndarray:
            tenant = traces["tenant"][nodes["trace"][found]]
            equal: np.ndarray = (nodes["response"][found] == responses[which]) & (tenant == tenants[which])
            return equal

        return self._one.find(mix(responses, tenants), same)

    def apart(self, forest: Forest) -> list[list[int]]:
        """Groups of rows of one response that lie in more than one trace."""
        trace = forest.nodes["trace"]
        return [rows for rows in self._again.values() if (trace[rows] != trace[rows[0]]).any()]

    def renumber(self, forest: Forest, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept: all of a group, or none."""
        nodes = forest.nodes
        kept = [[int(renumber[row]) for row in rows] for rows in self._again.values() if renumber[rows[0]] >= 0]
        self._one = HashIndex()
        named = np.flatnonzero(nodes["response"][: nodes.rows] != 0)
        self._insert(forest, named[np.unique(_key(forest, named), return_index=True)[1]])
        ones = self.find(forest, np.array([rows[0] for rows in kept], dtype=np.int64)).tolist()
        self._again = dict(zip(ones, kept, strict=True))

    def _insert(self, forest: Forest, rows: np.ndarray) -> None:
        if len(rows):
            self._one.insert(_key(forest, rows), rows, _key(forest, np.arange(forest.nodes.rows)))


def _key(forest: Forest, rows: np.ndarray) -> np.ndarray:
    return mix(forest.nodes["response"][rows], forest.traces["tenant"][forest.nodes["trace"][rows]])

"""Dialects that agree on something are read together: most share most of their tables, and a batch may hold many."""

from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np

from ingest.dialects.dialect import Dialect
from ingest.sheet import Ints, Mask


class Sharing:
    """The dialects that read the spans of one Sheet, and which spans each reads."""

    def __init__(self, claims: Ints, dialects: Sequence[Dialect]) -> None:
        """claims: for each span the position in `dialects` of the one that reads it."""
        self.claims = claims
        self.dialects = dialects
        self.present: list[int] = np.flatnonzero(np.bincount(claims, minlength=len(dialects))).tolist()
        self._masks: dict[tuple[int, ...], Mask | None] = {tuple(self.present): None}

    def __iter__(self) -> Iterator[tuple[Dialect, Mask | None]]:
        """Each dialect and its spans; None: all."""
        return ((self.dialects[number], self._spans((number,))) for number in self.present)

    def agreeing(self, on: Callable[[Dialect], Hashable]) -> Iterator[tuple[Dialect, Mask | None]]:
        """Of the dialects that give the same answer `on` one, and the spans of all of them; None: all spans."""
        groups: dict[Hashable, list[int]] = {}
        for number in self.present:
            groups.setdefault(on(self.dialects[number]), []).append(number)
        return ((self.dialects[numbers[0]], self._spans(tuple(numbers))) for numbers in groups.values())

    def _spans(self, numbers: tuple[int, ...]) -> Mask | None:
        if numbers not in self._masks:
            chosen = np.zeros(len(self.dialects), dtype=np.bool_)
            chosen[list(numbers)] = True
            self._masks[numbers] = chosen[self.claims]
        return self._masks[numbers]

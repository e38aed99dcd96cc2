"""Merging: which files, and their rows in order without holding them all.

Size tiers: every row is rewritten a bounded number of times and few files remain. A tier holds files within a factor of
`fan_in` in size; once one group (table, shard and day) has `fan_in` files in a tier, they become one of the next.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa

from ledger.store import segment
from ledger.store.fold import folded

F = TypeVar("F")


def due(files: Iterable[tuple[Hashable, int, F]], *, fan_in: int, smallest: int, largest: int) -> list[F] | None:
    """The first group of files to merge, in the order given, or None. A file is (group, size, itself).

    Files up to `smallest` are the lowest tier; a file of `largest` or more is left alone for ever.
    """
    tiers: dict[tuple[Hashable, int], list[F]] = defaultdict(list)
    for group, size, file in files:
        if size < largest:
            members = tiers[group, tier(size, fan_in=fan_in, smallest=smallest)]
            members.append(file)
            if len(members) == fan_in:
                return members
    return None


def tier(size: int, *, fan_in: int, smallest: int) -> int:
    level = 0
    while size > smallest:
        size //= fan_in
        level += 1
    return level


def merged(table: str, inputs: Sequence[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """The rows of all inputs, whose parts are each in order, in order and folded. Holds one part of each input.

    Rows of one trace may come in several parts, and then in any order among themselves.
    """
    heads = [head for parts in inputs if (head := Head.next(table, parts))]
    while heads:
        # Up to the least last key, no input can bring anything smaller any more.
        bound = min(head.last for head in heads)
        ready = [head.cut(bound) for head in heads]
        together = pa.concat_tables([part for part in ready if part.num_rows])
        yield segment.in_order(table, folded(table, together))
        heads = [head for old in heads if (head := old if old.rows.num_rows else Head.next(table, old.rest))]


class Head:
    """The part of an input that is being merged, and the parts after it."""

    def __init__(self, table: str, rows: pa.Table, rest: Iterator[pa.Table]) -> None:
        self.rows, self.rest = rows, rest
        self._high, self._low = segment.keys(table, rows)

    @classmethod
    def next(cls, table: str, parts: Iterator[pa.Table]) -> "Head | None":
        """The next part that has rows; None at the end."""
        for rows in parts:
            if rows.num_rows:
                return cls(table, rows, parts)
        return None

    @property
    def last(self) -> tuple[int, int]:
        return int(self._high[-1]), int(self._low[-1])

    def cut(self, bound: tuple[int, int]) -> pa.Table:
        """Take off the rows up to and including the key `bound`."""
        high = np.uint64(bound[0])
        first = int(np.searchsorted(self._high, high, "left"))
        end = int(np.searchsorted(self._high, high, "right"))
        count = first + int(np.searchsorted(self._low[first:end], np.uint64(bound[1]), "right"))
        taken, self.rows = self.rows.slice(0, count), self.rows.slice(count)
        self._high, self._low = self._high[count:], self._low[count:]
        return taken

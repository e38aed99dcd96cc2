"""The priced lines of every view that is open, found by the row of the view."""

import numpy as np
import pyarrow as pa

CHUNKS_MAX = 16
"""Taking rows from many chunks is slow; past this they become one."""


class LineStore:
    """Append-only table of charge lines as `books.charge.price` gives them, without their `row`."""

    def __init__(self) -> None:
        self._table: pa.Table | None = None

    def __len__(self) -> int:
        return 0 if self._table is None else self._table.num_rows

    def append(self, lines: pa.Table) -> int:
        """Add `lines` and return the number of the first."""
        first = len(self)
        lines = lines.drop_columns(["row"])
        self._table = lines if self._table is None else pa.concat_tables([self._table, lines])
        if self._table.column(0).num_chunks > CHUNKS_MAX:
            self._table = self._table.combine_chunks()
        return first

    def take(self, numbers: np.ndarray) -> pa.Table:
        if self._table is None:
            raise LookupError("no line was ever priced")
        return self._table.take(pa.array(numbers))

    def keep(self, numbers: np.ndarray) -> None:
        """Forget all lines but `numbers`, which become 0, 1, 2, ..."""
        if self._table is not None:
            self._table = self._table.take(pa.array(numbers)).combine_chunks()


def spread(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expand runs (first, count): for each element of each run its run, its position in it, and first + position."""
    run = np.repeat(np.arange(len(count)), count)
    position = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
    return run, position, first[run] + position

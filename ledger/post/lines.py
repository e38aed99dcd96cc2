"""The priced lines of every view that is open, found by the row of the view."""

import numpy as np
import pyarrow as pa

from ledger.schema import ARROW

LINES = pa.schema(
    [
        ARROW["charges"].field(name).remove_metadata()
        for name in (
            *("unit", "unit_price_usd", "per", "basis", "reason", "status", "price_book_id", "price_id", "override_id"),
            *("booked_quantity", "booked_list_cost_usd", "booked_cost_usd"),
        )
    ]
)
"""The columns of `charges` that pricing decides; the others say which call, and on what it is booked."""

CHUNKS_MAX = 16
"""Taking rows from many chunks is slow; past this they become one."""


class LineStore:
    """Append-only table of charge lines: columns LINES."""

    def __init__(self) -> None:
        self._table = LINES.empty_table()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def append(self, lines: pa.Table) -> int:
        """Add `lines` and return the number of the first."""
        first = len(self)
        self._table = pa.concat_tables([self._table, lines])
        if self._table.column(0).num_chunks > CHUNKS_MAX:
            self._table = self._table.combine_chunks()
        return first

    def take(self, numbers: np.ndarray) -> pa.Table:
        return self._table.take(pa.array(numbers))

    def costs(self, numbers: np.ndarray) -> pa.ChunkedArray:
        """booked_cost_usd of the lines `numbers`."""
        return self._table["booked_cost_usd"].take(pa.array(numbers))

    def keep(self, numbers: np.ndarray) -> None:
        """Forget all lines but `numbers`, which become 0, 1, 2, ..."""
        self._table = self._table.take(pa.array(numbers)).combine_chunks()


def spread(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expand runs (first, count): for each element of each run its run, its position in it, and first + position."""
    run = np.repeat(np.arange(len(count)), count)
    position = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
    return run, position, first[run] + position

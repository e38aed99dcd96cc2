"""Growing columns of numbers and interned text: the shape in which open traces are held."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

Fills = Mapping[str, tuple[type[np.generic], int]]
"""Column name -> (type, value in a row that was just made)."""


Frame = dict[str, np.ndarray]
"""Columns of one length by name."""


def stacked(frames: Sequence[Frame]) -> Frame:
    """Frames of the same columns, one below the other."""
    return {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}


def starts(*columns: np.ndarray) -> np.ndarray:
    """Where a new combination of values begins, in columns that lie in order."""
    begins = np.ones(len(columns[0]), dtype=np.bool_)
    if len(begins):
        begins[1:] = False
        for column in columns:
            begins[1:] |= column[1:] != column[:-1]
    return begins


KEY_MAX = 1 << 62


def packed(*columns: np.ndarray) -> np.ndarray:
    """One number a row, equal where all `columns` are: each takes the room of its range. int64."""
    key, size = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        if not len(column) or (low := int(column.min())) == (high := int(column.max())):
            continue
        if size * (high - low + 1) > KEY_MAX:
            key = np.unique(key, return_inverse=True)[1]
            size = int(key.max()) + 1
        key = key * (high - low + 1) + (column - low)
        size *= high - low + 1
    return key


def numbered(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first place of each distinct combination of values, and for each place the number of its combination."""
    order = np.lexsort(columns[::-1])
    begins = starts(*(column[order] for column in columns))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(begins) - 1
    return order[begins], number


def distinct(numbers: np.ndarray, below: int) -> np.ndarray:
    """The distinct `numbers`, rising: rows or codes from 0 to `below` - 1, of which there are few beside what would be
    sorted. -1 is taken for the last."""
    marked = np.zeros(below, dtype=np.bool_)
    marked[numbers] = True
    return np.flatnonzero(marked)


class Columns:
    """Named numpy columns of one length that grow by a quarter. A row is an index, which only `keep` changes."""

    def __init__(self, fills: Fills, capacity: int = 1024) -> None:
        self._fills = fills
        self._arrays = {name: np.full(capacity, fill, dtype=kind) for name, (kind, fill) in fills.items()}
        self.rows = 0

    def __getitem__(self, name: str) -> np.ndarray:
        """The column with its spare room: index it with row numbers below `rows`."""
        return self._arrays[name]

    def extend(self, count: int) -> np.ndarray:
        """Make `count` rows and return their numbers."""
        first, self.rows = self.rows, self.rows + count
        if self.rows > self._capacity():
            self._grow(max(self.rows, self._capacity() * 5 // 4))
        return np.arange(first, self.rows)

    def keep(self, rows: np.ndarray) -> None:
        """Drop every row but `rows`, which become 0, 1, 2, ..."""
        for name, array in self._arrays.items():
            kept = array[rows]
            array[: len(rows)] = kept
            array[len(rows) : self.rows] = self._fills[name][1]
        self.rows = len(rows)

    def _capacity(self) -> int:
        return len(next(iter(self._arrays.values())))

    def _grow(self, capacity: int) -> None:
        for name, (kind, fill) in self._fills.items():
            grown = np.full(capacity, fill, dtype=kind)
            grown[: len(self._arrays[name])] = self._arrays[name]
            self._arrays[name] = grown


class Interner:
    """Text as small integers; -1 is NULL."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []
        self.characters = 0

    def __len__(self) -> int:
        return len(self._texts)

    def code(self, text: str) -> int:
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self._texts)
            self._texts.append(text)
            self.characters += len(text)
        return code

    def codes(self, column: pa.ChunkedArray) -> np.ndarray:
        """Codes of a text column, int32."""
        if column.null_count == len(column):
            return np.full(len(column), -1, dtype=np.int32)
        encoded = column.combine_chunks().dictionary_encode()
        table = np.array([*map(self.code, encoded.dictionary.to_pylist()), -1], dtype=np.int32)
        indices: np.ndarray = encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
        found: np.ndarray = table[indices]
        return found

    def text(self, code: int) -> str | None:
        return None if code < 0 else self._texts[code]

    def texts(self, codes: np.ndarray) -> pa.Array:
        """Text column of `codes`."""
        used = distinct(codes, len(self) + 1)  # -1 is the last
        place = np.empty(len(self) + 1, dtype=np.int64)
        place[used] = np.arange(len(used))
        texts = pa.array([self.text(code if code < len(self) else -1) for code in used.tolist()], type=pa.string())
        return texts.take(pa.array(place[codes]))

    def keep(self, columns: Sequence[np.ndarray]) -> None:
        """Forget every text that no code of `columns` names, and renumber these columns in place."""
        used = distinct(np.concatenate([column[column >= 0] for column in columns]), len(self))
        renumber = np.full(len(self._texts) + 1, -1, dtype=np.int32)
        renumber[used] = np.arange(len(used))
        self._texts = [self._texts[code] for code in used.tolist()]
        self._codes = {text: code for code, text in enumerate(self._texts)}
        self.characters = sum(map(len, self._texts))
        for column in columns:
            column[:] = renumber[column]

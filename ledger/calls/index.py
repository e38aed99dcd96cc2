"""A hash table of row numbers in numpy: many keys are found or put in at once, without an object for each."""

from collections.abc import Callable

import numpy as np

_MULTIPLY = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


def mix(*parts: np.ndarray) -> np.ndarray:
    """One uint64 hash of several integer columns (multiply and fold; equality is always checked on the columns)."""
    state = np.zeros(len(parts[0]), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            state = (state ^ part.astype(np.uint64, copy=False)) * _MULTIPLY
            state ^= state >> _SHIFT
    return state


class HashIndex:
    """Open addressing with linear probing. The keys live with the owner, who says whether a row has the key sought."""

    def __init__(self) -> None:
        self._slots = np.full(1 << 12, -1, dtype=np.int64)
        self._used = 0

    def find(self, hashes: np.ndarray, same: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Row of each key, -1 where there is none. `same(rows, which)`: has `rows[i]` the key number `which[i]`?"""
        found = np.full(len(hashes), -1, dtype=np.int64)
        which, place = np.arange(len(hashes)), self._home(hashes)
        while len(which):
            rows = self._slots[place]
            taken = rows >= 0
            which, place, rows = which[taken], place[taken], rows[taken]
            equal = same(rows, which)
            found[which[equal]] = rows[equal]
            which, place = which[~equal], self._next(place[~equal])
        return found

    def insert(self, hashes: np.ndarray, rows: np.ndarray, all_hashes: np.ndarray) -> None:
        """Put in `rows`, which are distinct and absent. `all_hashes[row]` is the hash of every row, for growing."""
        self._used += len(rows)
        if 2 * self._used > len(self._slots):
            present = self._slots[self._slots >= 0]
            self._slots = np.full(1 << int(4 * self._used).bit_length(), -1, dtype=np.int64)
            self._put(all_hashes[present], present)
        self._put(hashes, rows)

    def _put(self, hashes: np.ndarray, rows: np.ndarray) -> None:
        place = self._home(hashes)
        while len(rows):
            free = self._slots[place] < 0
            self._slots[place[free]] = rows[free]  # where two want one slot, the last written has it
            lost = self._slots[place] != rows
            rows, place = rows[lost], self._next(place[lost])

    def _home(self, hashes: np.ndarray) -> np.ndarray:
        return (hashes & np.uint64(len(self._slots) - 1)).astype(np.int64)

    def _next(self, place: np.ndarray) -> np.ndarray:
        return (place + 1) & (len(self._slots) - 1)

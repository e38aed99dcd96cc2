"""Rows numbered by the values of some of their columns, so that each set of values is looked at once."""

from typing import Any

import numpy as np
import pyarrow as pa

from ledger.money import Int64s


def distinct(views: pa.Table, columns: tuple[str, ...]) -> tuple[Int64s, list[tuple[Any, ...]]]:
    """A number by row for its values in `columns`, and the values by number."""
    combined = np.zeros(len(views), np.int64)
    values: list[list[Any]] = []
    for column in columns:
        encoded = _array(views[column]).dictionary_encode(null_encoding="encode")
        values.append(encoded.dictionary.to_pylist())
        # At most 32,768 values a column, four columns: the number stays below 2^60.
        combined = combined * len(encoded.dictionary) + encoded.indices.to_numpy()
    numbers, codes = np.unique(combined, return_inverse=True)
    places = np.unravel_index(numbers, [len(each) for each in values]) if len(numbers) else ()
    return codes, [tuple(each[i] for each, i in zip(values, at, strict=True)) for at in zip(*places, strict=True)]


def pairs(one: Int64s, other: Int64s) -> tuple[list[tuple[int, int]], Int64s]:
    """The distinct pairs of values, both from -1 to a few millions, and by position the number of its pair."""
    size = int(other.max(initial=-1)) + 2
    numbers, codes = np.unique((one + 1) * size + other + 1, return_inverse=True)
    return [(number // size - 1, number % size - 1) for number in numbers.tolist()], codes


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)

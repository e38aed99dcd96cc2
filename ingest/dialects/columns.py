"""One column being filled from attributes, by whole columns: a scatter a source, the best source written last."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sheet import Attributes, Ints, Mask

COUNT_MAX = 2**53
"""Beyond it doubles lose units, and no call has so many tokens: such a count is a mistake or an attack."""

INTEGER_MEMBER = 3

Canonical = Callable[[str], Any]


class TextColumn:
    """Text as it is: remembers the row of the attribute that won, takes the texts at the end."""

    def __init__(self, rows: int) -> None:
        self.picked = np.full(rows, -1, dtype=np.int64)
        self.extracted: dict[int, str] = {}
        """Row -> text, where it is a part of an attribute."""

    def fill(self, found: Attributes, rows: Ints) -> None:
        owner = found.owner[rows]
        self.picked[owner] = rows
        if self.extracted:
            for row in owner.tolist():
                self.extracted.pop(row, None)

    def fill_extracted(self, owner: Ints, texts: pa.StringArray) -> None:
        self.picked[owner] = -1
        self.extracted.update(zip(owner.tolist(), texts.to_pylist(), strict=True))

    def known(self) -> Mask:
        known: Mask = self.picked >= 0
        known[list(self.extracted)] = True
        return known

    def array(self, found: Attributes) -> pa.StringArray:
        texts = found.text.take(pa.array(self.picked, mask=self.picked < 0))
        return scattered(texts, self.extracted) if self.extracted else texts


class NameColumn:
    """One of few names: every distinct raw text is made canonical once."""

    def __init__(self, rows: int) -> None:
        self.code = np.full(rows, -1, dtype=np.int32)
        self.names: list[Any] = []

    def fill(self, found: Attributes, rows: Ints, canonical: Canonical) -> Ints:
        """Fill from `rows`; a raw text without a canonical name leaves what is there. Returns the owners filled."""
        raw = found.text.take(pa.array(rows)).dictionary_encode()
        codes = np.array([self._code(canonical(name)) for name in raw.dictionary.to_pylist()], dtype=np.int32)
        code = codes[raw.indices.to_numpy(zero_copy_only=False)]
        named = code >= 0
        owner: Ints = found.owner[rows][named]
        self.code[owner] = code[named]
        return owner

    def fill_all(self, owner: Ints | Mask, name: object) -> None:
        self.code[owner] = self._code(name)

    def where(self, names: frozenset[str]) -> Mask:
        """Rows whose name is one of `names`."""
        wanted = [code for code, name in enumerate(self.names) if name in names]
        found: Mask = np.isin(self.code, wanted)
        return found

    def array(self, kind: pa.DataType) -> pa.Array:
        return pa.array(self.names, kind).take(pa.array(self.code, mask=self.code < 0))

    def _code(self, name: object) -> int:
        if name is None:
            return -1
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


class CountColumn:
    """Whole numbers, however they were sent: as integer, double, or text of either."""

    def __init__(self, rows: int) -> None:
        self.value = np.zeros(rows, dtype=np.int64)
        self.known = np.zeros(rows, dtype=np.bool_)

    def fill(self, found: Attributes, rows: Ints) -> None:
        integer = found.member[rows] == INTEGER_MEMBER
        value = found.integer[rows]
        if not integer.all():
            value = value.copy()
            for at in np.flatnonzero(~integer):
                value[at] = _count(found.text[int(rows[at])].as_py())
        good = (value >= 0) & (value <= COUNT_MAX)
        owner = found.owner[rows[good]]
        self.value[owner] = value[good]
        self.known[owner] = True

    def array(self) -> pa.Int64Array:
        return pa.array(self.value, mask=~self.known)


def _count(text: str) -> int:
    """The whole number that `text` says; -1 if none. Long texts are not converted: Python needs quadratic time."""
    if len(text) > 32:
        return -1
    try:
        number = float(text) if not text.isdecimal() else int(text)
    except ValueError:
        return -1
    return int(number) if 0 <= number <= COUNT_MAX and number == int(number) else -1


def scattered(texts: pa.StringArray, at: dict[int, str]) -> pa.StringArray:
    """`texts` with those of `at` put in."""
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[list(at)] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array([at[row] for row in sorted(at)], pa.string()))

"""One column being filled from attributes, by whole columns: a scatter a source, the best source written last."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sheet import SCALARS, Attributes, Ints, Mask

COUNT_MAX = 2**53
"""Beyond it doubles lose units, and no call has so many tokens: such a count is a mistake or an attack."""

COUNT = re.compile(r"[0-9]{1,16}(\.0*)?")
INTEGER_MEMBER = 1 + SCALARS.index("int_value")

Canonical = Callable[[str], Any]


class TextColumn:
    """Text as it is: remembers which attribute won, or which text found inside one, and takes the texts at the end."""

    def __init__(self, rows: int) -> None:
        self.picked = np.full(rows, -1, dtype=np.int64)
        self.inside = np.full(rows, -1, dtype=np.int64)
        self.inner = pa.array([], pa.string())
        """Texts that are a part of an attribute, or the span's name."""

    def fill(self, found: Attributes, rows: Ints) -> None:
        owner = found.owner[rows]
        self.picked[owner] = rows
        self.inside[owner] = -1

    def fill_inner(self, owner: Ints, texts: pa.StringArray) -> None:
        self.picked[owner] = -1
        self.inside[owner] = np.arange(len(self.inner), len(self.inner) + len(texts))
        self.inner = pa.concat_arrays([self.inner, texts])

    def known(self) -> Mask:
        known: Mask = (self.picked >= 0) | (self.inside >= 0)
        return known

    def verbatim(self, _: Attributes) -> Ints:
        return self.picked

    def array(self, found: Attributes) -> pa.StringArray:
        texts = found.text.take(pa.array(self.picked, mask=self.picked < 0))
        if not len(self.inner):
            return texts
        return pc.coalesce(texts, self.inner.take(pa.array(self.inside, mask=self.inside < 0)))


class NameColumn:
    """One of few names: every distinct raw text is made canonical once."""

    def __init__(self, rows: int) -> None:
        self.code = np.full(rows, -1, dtype=np.int32)
        self.picked = np.full(rows, -1, dtype=np.int64)
        """The attribute that won, where its raw text is the canonical name."""
        self.names: dict[Any, int] = {}

    def fill(self, found: Attributes, rows: Ints, canonical: Canonical) -> Ints:
        """Fill from `rows`; a raw text without a canonical name leaves what is there. Returns the owners filled."""
        return self._fill(found.owner[rows], found.text.take(pa.array(rows)), canonical, rows)

    def fill_inner(self, owner: Ints, texts: pa.StringArray, canonical: Canonical) -> Ints:
        """As fill, from texts that are a part of an attribute."""
        return self._fill(owner, texts, canonical, np.full(len(owner), -1))

    def _fill(self, owners: Ints, texts: pa.StringArray, canonical: Canonical, rows: Ints) -> Ints:
        raw = texts.dictionary_encode()
        distinct = raw.dictionary.to_pylist()
        names = [canonical(text) for text in distinct]
        codes = np.array([self._code(name) for name in names], dtype=np.int32)
        unchanged = np.array([name == text for name, text in zip(names, distinct, strict=True)], dtype=np.bool_)
        which = raw.indices.to_numpy(zero_copy_only=False)
        named = codes[which] >= 0
        owner: Ints = owners[named]
        self.code[owner] = codes[which][named]
        self.picked[owner] = np.where(unchanged[which], rows, -1)[named]
        return owner

    def fill_all(self, owner: Ints | Mask, name: object) -> None:
        self.code[owner] = self._code(name)
        self.picked[owner] = -1

    def where(self, names: frozenset[str]) -> Mask:
        """Rows whose name is one of `names`."""
        wanted = [code for name, code in self.names.items() if name in names]
        found: Mask = np.isin(self.code, wanted)
        return found

    def verbatim(self, _: Attributes) -> Ints:
        return self.picked

    def array(self, kind: pa.DataType) -> pa.Array:
        return pa.array(list(self.names), kind).take(pa.array(self.code, mask=self.code < 0))

    def _code(self, name: object) -> int:
        return -1 if name is None else self.names.setdefault(name, len(self.names))


class CountColumn:
    """Whole numbers, however they were sent: as integer, double, or text of either."""

    def __init__(self, rows: int) -> None:
        self.value = np.zeros(rows, dtype=np.int64)
        self.known = np.zeros(rows, dtype=np.bool_)
        self.picked = np.full(rows, -1, dtype=np.int64)
        """The attribute that won, where it was sent as an integer: its text has no other form."""

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
        self.picked[owner] = np.where(integer, rows, -1)[good]

    def fill_inner(self, owner: Ints, digits: pa.StringArray) -> None:
        """Fill from texts of at most 16 digits each, found inside attributes."""
        value = pc.cast(digits, pa.int64()).to_numpy()
        good = value <= COUNT_MAX
        self.value[owner[good]] = value[good]
        self.known[owner[good]] = True
        self.picked[owner[good]] = -1

    def verbatim(self, found: Attributes) -> Ints:
        same, at = self.picked.copy(), np.flatnonzero(self.picked >= 0)
        changed = ~self.known[at] | (found.integer[self.picked[at]] != self.value[at])  # by `usage`, after reading
        same[at[changed]] = -1
        return same

    def array(self) -> pa.Int64Array:
        return pa.array(self.value, mask=~self.known)


def _count(text: str) -> int:
    """The whole number that `text` says, -1 if none. `1e9` is none: nobody counts so, and budgets act on it."""
    return int(text.split(".")[0]) if COUNT.fullmatch(text.strip()) else -1

"""The identity of what has no id: a hash of its decoded content, the same whatever the encoding (docs/format.md).

Attributes count as a set and numbers by value. Every part has its length before it, so that no two contents run
together into the same bytes.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sheet import NESTED, SCALARS, Attributes, Ints
from ledger.calls.ids import ID_BYTES, field, fixed_binary

TAGS = ("-", "s", "b", "n", "n", "x")
"""By member of AnyValue: not set, text, truth value, number, number, and arrays, maps and bytes by their text."""
DOUBLE = 1 + SCALARS.index("double_value")
assert len(TAGS) == NESTED + 1

Texts = Sequence[str | bytes]


def hashes(signal: str, columns: Sequence[Texts]) -> pa.FixedSizeBinaryArray:
    """Identity of each row: first 16 bytes of SHA-256 of `signal` and the row's values, each behind its length."""
    start = field(signal.encode())
    found = (sha256(start + b"".join(map(_field, row))).digest()[:ID_BYTES] for row in zip(*columns, strict=True))
    return fixed_binary(b"".join(found), ID_BYTES)


def _field(value: str | bytes) -> bytes:
    return field(value.encode() if isinstance(value, str) else value)


def numbers(values: Ints) -> list[str]:
    """Whole numbers as text."""
    return list(map(str, values.tolist()))


def content(found: Attributes) -> list[bytes]:
    """Of each owner all attributes, by key: key, tag and value, each but the tag behind its length."""
    entries = list(_entries(found))
    keys = found.key.to_pylist()
    order = sorted(range(len(keys)), key=keys.__getitem__)
    order.sort(key=found.owner.tolist().__getitem__)
    edges = np.cumsum([0, *np.bincount(found.owner, minlength=found.owners).tolist()]).tolist()
    return [b"".join(entries[at] for at in order[start:end]) for start, end in pairwise(edges)]


def _entries(found: Attributes) -> Iterator[bytes]:
    texts = pc.fill_null(found.text, "").to_pylist()
    for key, member, text in zip(found.key.to_pylist(), found.member.tolist(), texts, strict=True):
        value = by_value(text) if member == DOUBLE else text
        yield field(key.encode()) + TAGS[member].encode() + field(value.encode())


def by_value(double: str) -> str:
    """A double's text; that of the whole number where it is one which an integer could have said."""
    number = float(double)
    return str(int(number)) if number.is_integer() and abs(number) < 2**63 else double


def digests(texts: Sequence[bytes], row: Ints) -> list[bytes]:
    """SHA-256 of texts that many rows share, for each row."""
    each = [sha256(text).digest() for text in texts]
    return [each[at] for at in row.tolist()]

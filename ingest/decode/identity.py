"""The identity of what has no id: a hash of its decoded content, the same whatever the encoding (docs/format.md).

Attributes count as a set and numbers by value. Every part has its length before it, so that no two contents run
together into the same bytes.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sheet import NESTED, SCALARS, Attributes, Ints
from ledger.calls.ids import ID_BYTES, field, fixed_binary

TAGS = ("-", "s", "b", "n", "n", "x")
"""By member of AnyValue: not set, text, truth value, number, number, and arrays, maps and bytes by their text."""
DOUBLE = 1 + SCALARS.index("double_value")
assert len(TAGS) == NESTED + 1

NOTHING = pa.scalar(b"", pa.large_binary())

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
    order = _by_owner_and_key(found)
    offsets = np.zeros(found.owners + 1, dtype=np.int64)
    np.cumsum(np.bincount(found.owner, minlength=found.owners), out=offsets[1:])
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), _entries(found).take(pa.array(order)))
    joined: list[bytes] = pc.binary_join(lists, NOTHING).to_pylist()
    return joined


def _by_owner_and_key(found: Attributes) -> Ints:
    keys = found.key.dictionary_encode()
    distinct = keys.dictionary.to_pylist()
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[sorted(range(len(distinct)), key=distinct.__getitem__)] = np.arange(len(distinct))
    order: Ints = np.lexsort((rank[keys.indices.to_numpy(zero_copy_only=False)], found.owner))
    return order


def _entries(found: Attributes) -> pa.Array:
    text = pc.fill_null(found.text, "")
    doubles = found.member == DOUBLE
    if doubles.any():
        where = pa.array(doubles)
        values = pa.array([by_value(value) for value in text.filter(where).to_pylist()], pa.string())
        text = pc.replace_with_mask(text, where, values)
    tag = pa.array(TAGS, pa.string()).take(pa.array(found.member))
    parts = (_length(found.key), found.key, tag, _length(text), text)
    return pc.binary_join_element_wise(*(part.cast(pa.large_binary()) for part in parts), NOTHING)


def _length(texts: pa.StringArray) -> pa.Array:
    """Of each text in bytes, as `field` writes it."""
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    return fixed_binary(lengths.astype(">u4").tobytes(), 4).cast(pa.binary())


def by_value(double: str) -> str:
    """A double's text; that of the whole number where it is one which an integer could have said."""
    number = float(double)
    return str(int(number)) if number.is_integer() and abs(number) < 2**63 else double


def digests(texts: Sequence[bytes], row: Ints) -> list[bytes]:
    """SHA-256 of texts that many rows share, for each row."""
    each = [sha256(text).digest() for text in texts]
    return [each[at] for at in row.tolist()]

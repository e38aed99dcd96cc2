"""What every decoder hands on: the spans of some requests and their attributes, flat, in Arrow and numpy.

One row a span in document order, one row an attribute in document order with the number of its owner. Nothing is
interpreted yet: that is the dialects' business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SCALARS = ("string_value", "bool_value", "int_value", "double_value")
NESTED = len(SCALARS) + 1
"""Member number of everything that is not a scalar: arrays, maps and bytes."""

REPEATED_TEXT_MAX = 256
"""Characters of what one group says for all its spans (scope, service, environment): a row each repeats it, so that
one long text in a request of many spans would fill the memory. The whole text stays in the journal."""

Ints = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Attributes:
    """Attributes of `owners` spans (or resources), one row each: owner is non-decreasing, a key comes once an owner."""

    owners: int
    owner: Ints
    key: pa.StringArray
    text: pa.StringArray
    """Every value as text; NULL where the value is not set."""
    member: Ints
    """Which member of AnyValue was set: 1 + its place in SCALARS, or NESTED; 0 for none."""
    integer: Ints
    """The value where it was sent as an integer, else 0."""
    by_key: Ints
    """The rows, sorted by key."""
    slices: Mapping[str, slice]
    """Where in `by_key` each key's rows are."""

    def rows(self, key: str) -> Ints:
        """Rows of `key`, in document order."""
        found: Ints = self.by_key[self.slices.get(key, slice(0, 0))]
        return found


@dataclass(frozen=True)
class Sheet:
    """Spans of some requests as columns."""

    event: Ints
    """Position of the request in the list that was decoded."""
    index: Ints
    """Position of the span in its request, in document order."""
    resource: Ints
    """Row in `resources`' owners."""
    scope_name: pa.StringArray
    trace_id: pa.BinaryArray
    span_id: pa.BinaryArray
    parent_span_id: pa.BinaryArray
    name: pa.StringArray
    kind: Ints
    start_ns: Ints
    end_ns: Ints
    status_message: pa.StringArray
    status_code: Ints
    attributes: Attributes
    resources: Attributes

    def __len__(self) -> int:
        return len(self.event)


def attributes(
    owners: int, owner: Ints, key: pa.StringArray, values: Mapping[str, pa.Array], nested: pa.StringArray
) -> Attributes:
    """Attributes from AnyValue's scalar members (each NULL where another one is set) and the `nested` ones as text."""
    member = np.zeros(len(key), dtype=np.uint8)
    texts = []
    for number, name in enumerate(SCALARS, start=1):
        part = values[name]
        if part.null_count < len(part):
            member[is_valid(part)] = number
            texts.append(part if pa.types.is_string(part.type) else pc.cast(part, pa.string()))
    if nested.null_count < len(nested):
        member[is_valid(nested)] = NESTED
        texts.append(nested)
    text = pc.coalesce(*texts) if len(texts) > 1 else texts[0] if texts else pa.nulls(len(key), pa.string())
    integer = pc.fill_null(values["int_value"], 0).to_numpy(zero_copy_only=False)
    return _indexed(owners, owner, key, text, member, integer)


def _indexed(
    owners: int, owner: Ints, key: pa.StringArray, text: pa.StringArray, member: Ints, integer: Ints
) -> Attributes:
    """Sort by key. Of a key sent twice by one owner the last value counts; the standard leaves it open."""
    encoded = key.dictionary_encode()
    code: Ints = encoded.indices.to_numpy(zero_copy_only=False)
    if len(encoded.dictionary) < 65_536:
        code = code.astype(np.uint16)  # sorting 16-bit integers is linear, and telemetry has few keys
    by_key = np.argsort(code, kind="stable")
    again = (owner[by_key][1:] == owner[by_key][:-1]) & (code[by_key][1:] == code[by_key][:-1])
    if again.any():
        keep = np.ones(len(owner), dtype=np.bool_)
        keep[by_key[:-1][again]] = False
        where = pa.array(keep)
        return _indexed(owners, owner[keep], key.filter(where), text.filter(where), member[keep], integer[keep])
    edges = [0, *np.cumsum(np.bincount(code, minlength=len(encoded.dictionary))).tolist()]
    slices = {name: slice(*edge) for name, edge in zip(encoded.dictionary.to_pylist(), pairwise(edges), strict=True)}
    return Attributes(owners, owner, key, text, member, integer, by_key, slices)


def clipped(texts: pa.StringArray) -> pa.StringArray:
    """`texts`, each cut to REPEATED_TEXT_MAX characters."""
    long = (len(texts) and pc.max(pc.binary_length(texts)).as_py()) or 0
    return pc.utf8_slice_codeunits(texts, 0, REPEATED_TEXT_MAX) if long > REPEATED_TEXT_MAX else texts


def is_valid(array: pa.Array) -> Mask:
    """Where `array` is not NULL."""
    valid: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return valid

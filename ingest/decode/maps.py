"""Attributes to the map columns `attributes` and `resource`, bounded where one text is repeated for many spans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sheet import Attributes, Ints, Mask, Sheet
from ledger.schema import ARROW

RESOURCE_SPREAD_MAX = 64
"""Bytes of resource attributes, repeated for every span, that an event may unfold to, for each byte of its body. Real
telemetry stays below 10. An event beyond it keeps its resources in the journal, and its rows say so."""

RESOURCE_BYTES_MAX = 64 << 20
"""The same for one event, however large: columns of 32-bit offsets hold 2 GiB, and memory is bounded."""

RESOURCE_CUT = "spanledger.resource_cut"


class Sized(Protocol):
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True)
class Pairs:
    """Keys and texts of `owners`, in the order of their owners."""

    owners: int
    owner: Ints
    key: pa.StringArray
    text: pa.StringArray


def kept(found: Attributes, keep: Mask) -> Pairs:
    """The attributes where `keep`."""
    if keep.all():
        return Pairs(found.owners, found.owner, found.key, found.text)
    where = pa.array(keep)
    return Pairs(found.owners, found.owner[keep], found.key.filter(where), found.text.filter(where))


def key_values(pairs: Pairs) -> pa.MapArray:
    """Key -> text for every owner, in document order."""
    offsets = np.zeros(pairs.owners + 1, dtype=np.int32)
    np.cumsum(np.bincount(pairs.owner, minlength=pairs.owners), out=offsets[1:])
    kind = ARROW["spans"].field("attributes").type
    return pa.MapArray.from_arrays(pa.array(offsets), pairs.key, pairs.text, type=kind)


def spread_resources(sheet: Sheet, events: Sequence[Sized]) -> Pairs:
    """The resources' attributes; of events that would unfold beyond RESOURCE_SPREAD_MAX only the note that they did."""
    found = sheet.resources
    everything = np.ones(len(found.owner), dtype=np.bool_)
    cut, size = _cut(sheet, events)
    if not cut.any():
        return kept(found, everything)
    first = np.zeros(len(found.owner), dtype=np.bool_)
    first[np.unique(found.owner, return_index=True)[1]] = True
    pairs = kept(found, ~cut[found.owner] | first)
    noted = pa.array(cut[pairs.owner])
    notes = pa.array([f"{int(size[owner])} bytes, in the journal only" for owner in pairs.owner[cut[pairs.owner]]])
    keys = pc.if_else(noted, RESOURCE_CUT, pairs.key)
    return Pairs(pairs.owners, pairs.owner, keys, pc.replace_with_mask(pairs.text, noted, notes))


def _cut(sheet: Sheet, events: Sequence[Sized]) -> tuple[Mask, Ints]:
    """Which resources are too large for the number of their spans, and the size of each, bytes."""
    found = sheet.resources
    lengths = pc.add(pc.binary_length(found.key), pc.fill_null(pc.binary_length(found.text), 0))
    size = np.bincount(found.owner, lengths.to_numpy(zero_copy_only=False), minlength=found.owners)
    spread = np.bincount(sheet.event, size[sheet.resource], minlength=len(events))
    allowed = np.array([min(RESOURCE_SPREAD_MAX * len(event.body), RESOURCE_BYTES_MAX) for event in events])
    cut = np.zeros(found.owners, dtype=np.bool_)
    cut[sheet.resource[(spread > allowed)[sheet.event]]] = True
    return cut, size

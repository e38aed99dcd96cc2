"""Whose calls views and data points tell of: what says whether metrics are the only ones to tell of them.

A data point is of the conversation that it names; else of the instance of the service that its resource names; else of
the service. A view is of all of these.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.columns import Frame, packed
from ledger.calls.forest import METRIC, Forest, NewSpans
from ledger.calls.ids import field
from ledger.calls.roles import MODEL, TOOL
from ledger.post.intake import Texts, clipped
from ledger.schema import TEXT

INSTANCE = "service.instance.id"
"""The attribute of a resource that tells instances of a service apart."""


@dataclass(frozen=True)
class Whose:
    """One conversation or instance of a service, or the service as such."""

    tenant: str
    service: str
    kind: str
    """conversation, instance or service."""
    name: str

    def hash(self, what: str) -> int:
        """First 8 bytes, big-endian, of the SHA-256 of `what` and of this: what the index of known names has where it
        was `viewed`, or `metered`."""
        fields = (what, self.tenant, self.service, self.kind, self.name)
        return int.from_bytes(sha256(b"".join(field(text.encode()) for text in fields)).digest()[:8], "big")


def hashes(whose: Sequence[Whose], what: str) -> np.ndarray:
    """`Whose.hash` of each, uint64."""
    return np.array([one.hash(what) for one in whose], dtype=np.uint64)


def of_point(tenant: str, service: str, conversation: str | None, instance: str | None) -> Whose:
    """Whose calls a data point tells of."""
    if conversation is not None:
        return Whose(tenant, service, "conversation", conversation)
    if instance is not None:
        return Whose(tenant, service, "instance", instance)
    return Whose(tenant, service, "service", "")


def instances(resource: pa.ChunkedArray) -> pa.Array:
    """The instance of its service that each resource (column of schema.SPANS) names, clipped; NULL where none."""
    maps = resource.combine_chunks()
    at = np.flatnonzero(pc.equal(maps.keys, INSTANCE).to_numpy(zero_copy_only=False))
    owner = np.searchsorted(maps.offsets.to_numpy(), at, side="right") - 1
    there = (owner >= 0) & (owner < len(maps))
    places = np.full(len(maps), -1)
    places[owner[there]] = at[there]
    return clipped(pa.chunked_array([maps.items.take(pa.array(places, mask=places < 0))])).combine_chunks()


def told_by_views(
    forest: Forest, texts: Texts, new: NewSpans, resource: pa.ChunkedArray | None, placed: Sequence[Frame]
) -> dict[Whose, int]:
    """Whose calls the views among `new` (`resource`: of each, if known) and among `placed` (calls.place) tell of, and
    the first event that did. A look at columns: only what is distinct is named."""
    found = dict[Whose, int]()
    for whose, seq in (*_of_new(texts, new, resource), *_of_placed(forest, texts, placed)):
        found[whose] = min(seq, found.get(whose, seq))
    return found


Told = Iterator[tuple[Whose, int]]


def _of_new(texts: Texts, new: NewSpans, resource: pa.ChunkedArray | None) -> Told:
    own = new.own
    at = np.flatnonzero((own["role"] == MODEL) | (own["role"] == TOOL))
    if not len(at):
        return
    named = pa.nulls(len(new), TEXT) if resource is None else instances(resource)
    coded = named.dictionary_encode()
    instance = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    sides: Mapping[str, np.ndarray] = {"tenant": new.tenant, "service": own["service"], "seq": own["source_seq"]}
    yield from _named(texts, sides, own["own_conversation"], at)
    for tenant, service, code, seq in _distinct(sides, instance, at):
        if code >= 0:
            yield _whose(texts, tenant, service, "instance", coded.dictionary[code].as_py()), seq
        yield _whose(texts, tenant, service, "service", ""), seq


def _of_placed(forest: Forest, texts: Texts, placed: Sequence[Frame]) -> Told:
    """Conversations that views have, or have inherited."""
    nodes = forest.nodes
    for frame in placed:
        rows = frame["row"]
        at = np.flatnonzero((frame["p_call"] >= 0) & (nodes["signal"][rows] != METRIC))
        tenant = forest.traces["tenant"][nodes["trace"][rows]]
        sides = {"tenant": tenant, "service": nodes["service"][rows], "seq": frame["p_seq"]}
        yield from _named(texts, sides, frame["p_conversation"], at)


def _named(texts: Texts, sides: Mapping[str, np.ndarray], conversation: np.ndarray, at: np.ndarray) -> Told:
    for tenant, service, code, seq in _distinct(sides, conversation, at[conversation[at] >= 0]):
        yield _whose(texts, tenant, service, "conversation", texts.conversation.text(code) or ""), seq


def _distinct(
    sides: Mapping[str, np.ndarray], codes: np.ndarray, at: np.ndarray
) -> Iterator[tuple[int, int, int, int]]:
    """The distinct (tenant, service, code) of the rows `at`, each with its first event."""
    tenant, service, code = sides["tenant"][at], sides["service"][at], codes[at]
    _, first, group = np.unique(packed(tenant, service, code), return_index=True, return_inverse=True)
    seq = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(seq, group, sides["seq"][at])
    yield from zip(*(values[first].tolist() for values in (tenant, service, code)), seq.tolist(), strict=True)


def _whose(texts: Texts, tenant: int, service: int, kind: str, name: str) -> Whose:
    return Whose(texts.tenant.text(tenant) or "", texts.service.text(service) or "", kind, name)

"""Journal events to the protobuf requests in them, and what of them cannot be read."""

import os
from collections.abc import Iterator, Sequence

from ingest.decode.lenient import WHOLE_EVENT, Unread
from ingest.decode.table import Source
from ingest.json_otlp import Converted, Misfit, Signal, to_protobuf
from ledger.errors import Refused

__all__ = ["CHUNK_BYTES", "Misfits", "Unread", "bodies_of", "chunks", "decoder", "unread_row"]

CHUNK_BYTES = 8 << 20
"""Bytes of requests decoded at once: enough to spread the fixed cost, few enough that columns stay in cache, and far
from the 2 GiB that a column of 32-bit offsets holds."""

DECODERS = ("ptars", "walk")

Misfits = dict[tuple[int, int], Misfit]
"""By event and index, the records whose JSON does not fit."""


def decoder() -> str:
    """The decoder that SPANLEDGER_DECODER names: ptars, or walk, the oracle. Raises Refused."""
    name = os.environ.get("SPANLEDGER_DECODER") or "ptars"
    if name not in DECODERS:
        raise Refused(f"SPANLEDGER_DECODER is {name!r}; it must be one of {', '.join(DECODERS)}, or not set")
    return name


def chunks(events: Sequence[Source]) -> Iterator[list[Source]]:
    """`events` in parts of about CHUNK_BYTES."""
    chunk, size = list[Source](), 0
    for event in events:
        if chunk and size + len(event.body) > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += len(event.body)
    if chunk:
        yield chunk


def bodies_of(signal: Signal, events: Sequence[Source]) -> tuple[list[bytes], list[Unread], Misfits]:
    """Every event's request as protobuf, empty where it was JSON that does not read; and the records that do not fit,
    which are empty ones there."""
    bodies, unread, misfits = list[bytes](), list[Unread](), Misfits()
    for position, event in enumerate(events):
        if "json" not in event.content_type:
            bodies.append(event.body)
            continue
        try:
            converted = to_protobuf(signal, event.body)
        except Refused as error:
            converted = Converted(b"")
            unread.append(Unread(position, WHOLE_EVENT, str(error), event.body))
        bodies.append(converted.wire)
        misfits |= {(position, misfit.index): misfit for misfit in converted.misfits}
    return bodies, unread, misfits


def unread_row(events: Sequence[Source], item: Unread) -> dict[str, object]:
    """A row of `quarantine`."""
    event = events[item.event]
    return {
        "tenant": event.tenant,
        "source_seq": event.event_seq,
        "span_index": item.index,
        "reason": item.reason,
        "bytes": item.data,
    }

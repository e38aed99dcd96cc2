"""Journal events of kind otlp.traces to rows of `spans`: decode, choose the dialect, fill the columns.

Guarantees: a span's row depends on its own bytes and on nothing else in the batch; one bad span never costs its
neighbours; any bytes at all end as rows or in quarantine, with the reason. SPANLEDGER_DECODER=walk selects the oracle.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError

from ingest.decode.fast import read_fast
from ingest.decode.lenient import WHOLE_EVENT, Unread, read_lenient, spans_bytes
from ingest.decode.rows import sheet_of
from ingest.decode.same import same_span
from ingest.decode.table import Source, bad_ids, spans_table
from ingest.decode.walk import read_walk
from ingest.json_otlp import Converted, Misfit, to_protobuf
from ingest.sheet import Sheet
from ingest.skeleton import SKELETONS
from ingest.wire import ENVELOPE, count
from ledger.errors import Refused
from ledger.schema import ARROW

__all__ = ["Decoded", "decode", "same_span", "spans_in"]

CHUNK_BYTES = 8 << 20
"""Bytes of requests decoded at once: enough to spread the fixed cost, few enough that columns stay in cache, and far
from the 2 GiB that a column of 32-bit offsets holds."""

READERS = {"ptars": read_fast, "walk": read_walk}


@dataclass(frozen=True)
class Decoded:
    """Rows of some events."""

    spans: pa.Table
    """ARROW["spans"], ordered by source_seq, span_index."""
    quarantine: pa.Table
    """ARROW["quarantine"], in the same order."""


def decode(events: Sequence[Source]) -> Decoded:
    """Rows of `events`, all of kind otlp.traces."""
    spans, unread = list[pa.Table](), list[dict[str, object]]()
    for chunk in _chunks(events):
        tables, rest = _decode_chunk(chunk)
        spans += tables
        unread += [_quarantined(chunk, item) for item in rest]
    return Decoded(
        _ordered(pa.concat_tables(spans or [ARROW["spans"].empty_table()])),
        _ordered(pa.Table.from_pylist(unread, schema=ARROW["quarantine"])),
    )


def spans_in(event: Source) -> int:
    """Spans that `event` holds, or a few more, without decoding it: about a fifth of a microsecond each."""
    if "json" in event.content_type:
        return event.body.count(b"{")  # every span is an object
    try:
        request = SKELETONS["Raw"].request.FromString(event.body)
    except DecodeError:
        return count(event.body, ENVELOPE, len(event.body))
    scopes = [scope for resource in request.resources for scope in resource.scopes]
    return len(request.resources) + len(scopes) + sum(len(scope.records) for scope in scopes)


def _chunks(events: Sequence[Source]) -> Iterator[list[Source]]:
    chunk, size = list[Source](), 0
    for event in events:
        if chunk and size + len(event.body) > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += len(event.body)
    if chunk:
        yield chunk


def _decode_chunk(events: list[Source]) -> tuple[list[pa.Table], list[Unread]]:
    bodies, unread, misfits = _bodies(events)
    sheet, refused = _reader()(bodies)
    sheets = [sheet] if sheet is not None else []
    repaired = [read_lenient(event, bodies[event]) for event in refused]
    if rows := [row for rows, _ in repaired for row in rows]:
        sheets.append(sheet_of(rows))
    unread += [item for _, rest in repaired for item in rest]
    for sheet in sheets:
        unread += _without_ids(bodies, misfits, sheet)
    return [spans_table(sheet, events) for sheet in sheets], unread


def _reader() -> Callable[[Sequence[bytes]], tuple[Sheet | None, list[int]]]:
    name = os.environ.get("SPANLEDGER_DECODER") or "ptars"
    if name not in READERS:
        raise Refused(f"SPANLEDGER_DECODER is {name!r}; it must be one of {', '.join(READERS)}, or not set")
    return READERS[name]


def _bodies(events: Sequence[Source]) -> tuple[list[bytes], list[Unread], dict[tuple[int, int], Misfit]]:
    """Every event's request as protobuf, empty where it was JSON that does not read; and by event and index the spans
    whose JSON does not fit."""
    bodies, unread, misfits = list[bytes](), list[Unread](), dict[tuple[int, int], Misfit]()
    for position, event in enumerate(events):
        if "json" not in event.content_type:
            bodies.append(event.body)
            continue
        try:
            converted = to_protobuf("traces", event.body)
        except Refused as error:
            converted = Converted(b"")
            unread.append(Unread(position, WHOLE_EVENT, str(error), event.body))
        bodies.append(converted.wire)
        misfits |= {(position, misfit.index): misfit for misfit in converted.misfits}
    return bodies, unread, misfits


def _without_ids(bodies: Sequence[bytes], misfits: Mapping[tuple[int, int], Misfit], sheet: Sheet) -> Iterator[Unread]:
    """The spans of `sheet` that have bad ids. A request is cut into its spans once, however many they are."""
    rows = np.flatnonzero(bad_ids(sheet))
    for event in np.unique(sheet.event[rows]).tolist():
        of_event = rows[sheet.event[rows] == event]
        data = spans_bytes(bodies[event], sheet.index[of_event].tolist())
        for row in of_event.tolist():
            index = int(sheet.index[row])
            if misfit := misfits.get((event, index)):
                yield Unread(event, index, misfit.reason, misfit.text)
            else:
                yield Unread(event, index, _bad_ids_said(sheet, row), data[index])


def _bad_ids_said(sheet: Sheet, row: int) -> str:
    ids = (sheet.trace_id[row], sheet.span_id[row], sheet.parent_span_id[row])
    trace, span, parent = (value.as_py().hex() for value in ids)
    return (
        f"ids are not 16 and 8 bytes with one bit set: trace_id {trace[:40]!r}, span_id {span[:40]!r}, "
        f"parent_span_id {parent[:40]!r}"
    )


def _quarantined(events: Sequence[Source], item: Unread) -> dict[str, object]:
    event = events[item.event]
    return {
        "tenant": event.tenant,
        "source_seq": event.event_seq,
        "span_index": item.index,
        "reason": item.reason,
        "bytes": item.data,
    }


def _ordered(table: pa.Table) -> pa.Table:
    """By source_seq and span_index; the readers already keep that order, so sorting is rare."""
    place = [table[name].to_numpy() for name in ("source_seq", "span_index")]
    step_seq, step_index = (np.diff(column) for column in place)
    if ((step_seq > 0) | ((step_seq == 0) & (step_index >= 0))).all():
        return table
    return table.take(pa.array(np.lexsort(place[::-1])))

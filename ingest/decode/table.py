"""A Sheet to the rows of `spans`: ids checked, times clipped, dialects read, columns in the order of the schema."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.decode.content import input_digests, output_bytes
from ingest.decode.maps import kept, key_values, spread_resources
from ingest.dialects.apply import read_dialects
from ingest.sheet import Ints, Mask, Sheet
from ledger.schema import ARROW

INT64_MAX = 2**63 - 1
SPAN_KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
"""By number; unspecified, and what a later standard may add, is internal."""
STATUSES = ("unset", "ok", "error")
TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8


class Source(Protocol):
    """What of a journal event is needed to decode it."""

    @property
    def kind(self) -> str: ...
    @property
    def event_seq(self) -> int: ...
    @property
    def received_ns(self) -> int: ...
    @property
    def tenant(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> bytes: ...


def bad_ids(sheet: Sheet) -> Mask:
    """Spans whose ids are no ids: wrong length, or all zero. A parent may be missing: nothing, or zeros."""
    return (
        ~is_id(sheet.trace_id, TRACE_ID_BYTES)
        | ~is_id(sheet.span_id, SPAN_ID_BYTES)
        | ~np.isin(lengths(sheet.parent_span_id), (0, SPAN_ID_BYTES))
    )


def is_id(ids: pa.BinaryArray, size: int) -> Mask:
    """Which are `size` bytes and not all zero."""
    good: Mask = lengths(ids) == size
    zero = pc.equal(ids, pa.scalar(bytes(size), pa.binary()))
    found: Mask = good & ~zero.to_numpy(zero_copy_only=False)
    return found


def lengths(ids: pa.BinaryArray) -> Ints:
    """In bytes."""
    found: Ints = pc.binary_length(ids).to_numpy(zero_copy_only=False)
    return found


def spans_table(sheet: Sheet, events: Sequence[Source]) -> pa.Table:
    """Rows of `spans`, one a span of `sheet` with good ids, in its order."""
    reading, bad = read_dialects(sheet), bad_ids(sheet)
    seq = np.array([event.event_seq for event in events], dtype=np.int64)
    received = np.array([event.received_ns for event in events], dtype=np.int64)
    columns: dict[str, Any] = {
        **reading.columns,
        "tenant": pa.array([event.tenant for event in events], pa.string()).take(pa.array(sheet.event)),
        "trace_id": ids_of(sheet.trace_id, TRACE_ID_BYTES),
        "span_id": ids_of(sheet.span_id, SPAN_ID_BYTES),
        "parent_span_id": ids_of(sheet.parent_span_id, SPAN_ID_BYTES),
        "name": sheet.name,
        "span_kind": enum_of(SPAN_KINDS, sheet.kind),
        "start_ns": clipped_ns(sheet.start_ns),
        "end_ns": clipped_ns(sheet.end_ns),
        "status": enum_of(STATUSES, sheet.status_code),
        "status_message": sheet.status_message,
        "attributes": key_values(kept(sheet.attributes, ~reading.held)),
        "resource": key_values(spread_resources(sheet, events)).take(pa.array(sheet.resource)),
        "scope_name": sheet.scope_name,
        "received_ns": pa.array(received[sheet.event]),
        "source_seq": pa.array(seq[sheet.event]),
        "span_index": pa.array(sheet.index.astype(np.int32)),
        "input_digest": input_digests(reading.columns["operation"], reading.columns["input"]),
        "output_bytes": output_bytes(reading.columns["operation"], reading.columns["output"]),
    }
    schema = ARROW["spans"]
    table = pa.Table.from_arrays([typed(columns[field.name], field.type) for field in schema], schema=schema)
    return table.filter(pa.array(~bad)) if bad.any() else table


def ids_of(ids: pa.BinaryArray, size: int) -> pa.FixedSizeBinaryArray:
    """The ids, NULL where one is none."""
    good = is_id(ids, size)
    return (ids if good.all() else pc.if_else(pa.array(good), ids, pa.scalar(None, pa.binary()))).cast(pa.binary(size))


def typed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """`column` as the schema wants it."""
    return column if column.type == kind else column.cast(kind)


def enum_of(names: tuple[str, ...], number: Ints) -> pa.StringArray:
    """The name of each number; the first for one that has none."""
    known = np.where((number >= 0) & (number < len(names)), number, 0)
    return pa.array(names, pa.string()).take(pa.array(known))


def clipped_ns(time_ns: Ints) -> pa.Int64Array:
    """Times after the year 2262 do not fit: the last moment that does stands for them."""
    return pa.array(np.minimum(time_ns, np.uint64(INT64_MAX)).astype(np.int64))

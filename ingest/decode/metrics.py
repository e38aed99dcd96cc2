"""Events of kind otlp.metrics to rows of `metrics`, one a data point."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.decode import identity
from ingest.decode.bodies import Unread, bodies_of
from ingest.decode.maps import kept, key_values, spread_resources
from ingest.decode.points import PointRow, Values, point_rows
from ingest.decode.rows import attributes_of
from ingest.decode.table import Source, clipped_ns, typed
from ingest.dialects.apply import read_as
from ingest.dialects.meters import METRICS, TYPE, meter_of, operation_of
from ingest.sheet import REPEATED_TEXT_MAX, Ints, Sheet
from ledger.schema import ARROW

READ = (
    *("service_name", "environment", "conversation_id", "provider", "request_model", "response_model", "service_tier"),
    *("user_id", "team"),
)
"""Columns that are read as those of spans are."""


def read_metrics(events: Sequence[Source]) -> tuple[list[pa.Table], list[Unread]]:
    """Rows of `metrics`, and the metrics that cannot be read."""
    bodies, unread, misfits = bodies_of("metrics", events)
    rows, rest = point_rows(bodies)  # a metric whose JSON does not fit is an empty one here, without a point
    unread += [*rest, *(Unread(event, one.index, one.reason, one.text) for (event, _), one in misfits.items())]
    return [metrics_table(rows, events)] if rows else [], unread


def metrics_table(rows: Sequence[PointRow], events: Sequence[Source]) -> pa.Table:
    """Rows of `metrics`, one a data point, in order."""
    sheet, meters = sheet_of_points(rows), [_meter(row) for row in rows]
    everything = np.zeros(len(rows), dtype=np.int64)
    reading = read_as(sheet, (METRICS,), everything)
    seq = np.array([event.event_seq for event in events], dtype=np.int64)
    received = np.array([event.received_ns for event in events], dtype=np.int64)
    tenants = pa.array([event.tenant for event in events], pa.string()).take(pa.array(sheet.event))
    columns: dict[str, Any] = {
        "tenant": tenants,
        **{name: reading.columns[name] for name in READ},
        "meter": meters,
        "operation": [operation_of(*one) for one in zip(meters, reading.columns["operation"].to_pylist(), strict=True)],
        **{name: [getattr(row.head, name) for row in rows] for name in ("name", "unit", "kind", "temporality")},
        "is_monotonic": [row.head.is_monotonic for row in rows],
        "start_ns": clipped_ns(sheet.start_ns),
        "time_ns": clipped_ns(sheet.end_ns),
        **{name.name: [getattr(row.values, name.name) for row in rows] for name in fields(Values)},
        "attributes": key_values(kept(sheet.attributes, ~reading.held)),
        "resource": key_values(spread_resources(sheet, events)).take(pa.array(sheet.resource)),
        "scope_name": sheet.scope_name,
        "content_hash": _identities(rows, sheet, tenants),
        "received_ns": pa.array(received[sheet.event]),
        "source_seq": pa.array(seq[sheet.event]),
        "point_index": pa.array(sheet.index.astype(np.int32)),
    }
    return pa.Table.from_arrays(
        [_column(columns[field.name], field.type) for field in ARROW["metrics"]], schema=ARROW["metrics"]
    )


def _meter(row: PointRow) -> str | None:
    return meter_of(row.head.name, row.head.unit, dict(row.attributes).get(TYPE))


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind) if isinstance(values, list) else typed(values, kind)


def sheet_of_points(rows: Sequence[PointRow]) -> Sheet:
    """What of data points reads as spans do."""
    resources = {id(row.resource): row.resource for row in rows}
    position = {group: number for number, group in enumerate(resources)}
    event = np.array([row.event for row in rows], dtype=np.int64)
    no_text, no_number = pa.array([""] * len(rows), pa.string()), np.zeros(len(rows), dtype=np.int32)
    return Sheet(
        event=event,
        index=_places(event),
        resource=np.array([position[id(row.resource)] for row in rows], dtype=np.int64),
        scope_name=pa.array([row.scope_name[:REPEATED_TEXT_MAX] for row in rows], pa.string()),
        trace_id=no_text.cast(pa.binary()),
        span_id=no_text.cast(pa.binary()),
        parent_span_id=no_text.cast(pa.binary()),
        name=no_text,
        kind=no_number,
        start_ns=np.array([row.start_ns for row in rows], dtype=np.uint64),
        end_ns=np.array([row.time_ns for row in rows], dtype=np.uint64),
        status_message=no_text,
        status_code=no_number,
        attributes=attributes_of([row.attributes for row in rows]),
        resources=attributes_of(list(resources.values())),
    )


def _places(event: Ints) -> Ints:
    """Position of each data point among those of its event."""
    first: Ints = np.searchsorted(event, event)
    places: Ints = np.arange(len(event)) - first
    return places


def _identities(rows: Sequence[PointRow], sheet: Sheet, tenants: pa.StringArray) -> pa.FixedSizeBinaryArray:
    return identity.hashes(
        "metric",
        [
            tenants.to_pylist(),
            identity.digests(identity.content(sheet.resources), sheet.resource),
            sheet.scope_name.to_pylist(),
            *([_said(getattr(row.head, name)) for row in rows] for name in ("name", "unit", "kind", "temporality")),
            [_said(row.head.is_monotonic) for row in rows],
            identity.numbers(sheet.start_ns),
            identity.numbers(sheet.end_ns),
            *([_said(getattr(row.values, name.name)) for row in rows] for name in fields(Values)),
            identity.content(sheet.attributes),
        ],
    )


def _said(value: object) -> str:
    """A value as text, the same for equal numbers; empty where there is none."""
    return "" if value is None else identity.by_value(repr(value)) if isinstance(value, float) else str(value)

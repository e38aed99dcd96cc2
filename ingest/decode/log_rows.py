"""Log records as Python objects to columns. A log is read by the dialects as a span is: its name is the event's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.decode.rows import Nested, Pairs, Value, attributes_of
from ingest.sheet import REPEATED_TEXT_MAX, Attributes, Ints, Sheet

EVENT_NAME = "event.name"
"""Attribute that names the event where the record does not: the field is younger."""


@dataclass(frozen=True)
class LogRow:
    """One log record as read. `resource` and `scope_name` are those of the groups it came in, one object a group."""

    event: int
    index: int
    resource: Pairs
    scope_name: str
    trace_id: bytes
    span_id: bytes
    time_ns: int
    observed_ns: int
    severity: str
    severity_number: int
    event_name: str
    body: Value | Nested
    attributes: Pairs


@dataclass(frozen=True)
class LogSheet:
    """Log records of some requests as columns."""

    sheet: Sheet
    """What of them reads as a span does: `start_ns` is the time, `end_ns` the time of observation, `name` the event's
    name wherever it stood, `status_message` and `kind` the severity as text and number."""
    event_name: pa.StringArray
    """As the record itself has it."""
    body: Attributes
    """One unnamed attribute a record."""


def log_sheet(rows: Sequence[LogRow]) -> LogSheet:
    """`rows` as columns, in the same order."""
    resources = {id(row.resource): row.resource for row in rows}
    position = {group: number for number, group in enumerate(resources)}
    own = attributes_of([row.attributes for row in rows])
    names = pa.array([row.event_name for row in rows], pa.string())
    no_id = pa.array([b""] * len(rows), pa.binary())
    sheet = Sheet(
        event=np.array([row.event for row in rows], dtype=np.int64),
        index=np.array([row.index for row in rows], dtype=np.int64),
        resource=np.array([position[id(row.resource)] for row in rows], dtype=np.int64),
        scope_name=pa.array([row.scope_name[:REPEATED_TEXT_MAX] for row in rows], pa.string()),
        trace_id=pa.array([row.trace_id for row in rows], pa.binary()),
        span_id=pa.array([row.span_id for row in rows], pa.binary()),
        parent_span_id=no_id,
        name=named(names, own),
        kind=np.array([row.severity_number for row in rows], dtype=np.int32),
        start_ns=np.array([row.time_ns for row in rows], dtype=np.uint64),
        end_ns=np.array([row.observed_ns for row in rows], dtype=np.uint64),
        status_message=pa.array([row.severity for row in rows], pa.string()),
        status_code=np.zeros(len(rows), dtype=np.int32),
        attributes=own,
        resources=attributes_of(list(resources.values())),
    )
    return LogSheet(sheet, names, attributes_of([[("", row.body)] for row in rows]))


def named(names: pa.StringArray, own: Attributes) -> pa.StringArray:
    """`names`, and where one is empty what the attribute says."""
    at: Ints = np.full(own.owners, -1, dtype=np.int64)
    rows = own.rows(EVENT_NAME)
    at[own.owner[rows]] = rows
    otherwise = own.text.take(pa.array(at, mask=at < 0))
    return pc.fill_null(pc.if_else(pc.equal(names, ""), otherwise, names), "")

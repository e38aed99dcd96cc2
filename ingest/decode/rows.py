"""Spans as Python objects to a Sheet: where the two walking decoders, oracle and repair shop, meet Arrow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingest.sheet import REPEATED_TEXT_MAX, SCALARS, Attributes, Sheet, attributes

Value = str | bool | int | float | None


@dataclass(frozen=True)
class Nested:
    """Text of an array, a map or bytes."""

    text: str


Pairs = Sequence[tuple[str, Value | Nested]]


@dataclass(frozen=True)
class SpanRow:
    """One span as read. `resource` and `scope_name` are those of the groups it came in, one object a group."""

    event: int
    index: int
    resource: Pairs
    scope_name: str
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status_message: str
    status_code: int
    attributes: Pairs


TYPES = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
ARROW = dict(zip(SCALARS, (pa.string(), pa.bool_(), pa.int64(), pa.float64()), strict=True))


def sheet_of(rows: Sequence[SpanRow]) -> Sheet:
    """`rows` as columns, in the same order."""
    resources = {id(row.resource): row.resource for row in rows}
    position = {group: number for number, group in enumerate(resources)}
    return Sheet(
        event=np.array([row.event for row in rows], dtype=np.int64),
        index=np.array([row.index for row in rows], dtype=np.int64),
        resource=np.array([position[id(row.resource)] for row in rows], dtype=np.int64),
        scope_name=pa.array([row.scope_name[:REPEATED_TEXT_MAX] for row in rows], pa.string()),
        trace_id=pa.array([row.trace_id for row in rows], pa.binary()),
        span_id=pa.array([row.span_id for row in rows], pa.binary()),
        parent_span_id=pa.array([row.parent_span_id for row in rows], pa.binary()),
        name=pa.array([row.name for row in rows], pa.string()),
        kind=np.array([row.kind for row in rows], dtype=np.int32),
        start_ns=np.array([row.start_ns for row in rows], dtype=np.uint64),
        end_ns=np.array([row.end_ns for row in rows], dtype=np.uint64),
        status_message=pa.array([row.status_message for row in rows], pa.string()),
        status_code=np.array([row.status_code for row in rows], dtype=np.int32),
        attributes=attributes_of([row.attributes for row in rows]),
        resources=attributes_of(list(resources.values())),
    )


def attributes_of(owners: Sequence[Pairs]) -> Attributes:
    """The pairs of each owner, in order."""
    owner = np.repeat(np.arange(len(owners)), [len(pairs) for pairs in owners])
    pairs = [pair for pairs in owners for pair in pairs]
    values = {name: pa.array([_as(name, value) for _, value in pairs], ARROW[name]) for name in SCALARS}
    nested = pa.array([value.text if isinstance(value, Nested) else None for _, value in pairs], pa.string())
    return attributes(len(owners), owner, pa.array([key for key, _ in pairs], pa.string()), values, nested)


def _as(name: str, value: Value | Nested) -> Value | Nested:
    return value if TYPES.get(type(value)) == name else None

"""A column of a table of the ledger, and the types that columns have."""

from dataclasses import dataclass

import pyarrow as pa

TRACE_ID = pa.binary(16)
SPAN_ID = pa.binary(8)
ID = pa.binary(16)
MONEY = pa.decimal128(38, 12)
QUANTITY = pa.decimal128(23, 9)
TEXT = pa.string()
LONG_TEXT = pa.large_string()
ATTRIBUTES = pa.map_(pa.string(), pa.string())
TEXTS = pa.list_(pa.string())
I64, I32, BOOL = pa.int64(), pa.int32(), pa.bool_()


@dataclass(frozen=True)
class Column:
    """One column: its id for ever, its name, its type, and what it holds, with the unit."""

    field_id: int
    name: str
    type: pa.DataType
    doc: str


def columns(*rows: tuple[int, str, pa.DataType, str]) -> tuple[Column, ...]:
    """A table, a row a column."""
    return tuple(Column(*row) for row in rows)

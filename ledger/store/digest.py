"""What the ledger says, as one digest a table: equal rows give equal digests, however they lie in files.

A row is a line of text in the manner of PostgreSQL's COPY: columns in the order of ledger/schema.py, separated by tabs;
NULL is `\\N`; ids in lower-case hex, decimals with all 12 places. The digest of a table is the SHA-256 of the SHA-256s
of its lines, sorted. Rollups are sums that may lie in any number of rows: they are summed by key first, rows of only
zeros are dropped, and `event_seq`, which names the last addition, is left out. Of `run_parts` the rows that count are
taken. A list is its elements, each followed by `\\;`.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger.paths import DataDir
from ledger.schema import ARROW
from ledger.store import fold, hot
from ledger.store.snapshot import Snapshot

NULL = "\\N"
BATCH_ROWS = 16_384
"""Rows turned into text at a time; of the others 32 bytes each are kept."""

_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype=np.uint16)


def digests(data: DataDir) -> dict[str, str]:
    """The digest of every table, hex. Raises NotFound."""
    snapshot = Snapshot.take(data)
    return {table: digest(rows(snapshot, table)) for table in ARROW}


def rows(snapshot: Snapshot, table: str) -> Iterator[pa.Table]:
    """The logical rows of `table`, in parts of at most BATCH_ROWS, in no order."""
    if table == "rollups":
        yield told(fold.summed(pa.concat_tables(stored(snapshot, table))))
    elif table in fold.FOLDS:
        yield fold.folded(table, pa.concat_tables(stored(snapshot, table)))
    else:
        yield from stored(snapshot, table)


def stored(snapshot: Snapshot, table: str) -> Iterator[pa.Table]:
    for path in snapshot.segments(table):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                yield hot.conform(table, pa.Table.from_batches([batch]))
    for batch in snapshot.hot(table).to_batches(BATCH_ROWS):
        yield pa.Table.from_batches([batch], schema=ARROW[table])
    yield ARROW[table].empty_table()


def told(rollups: pa.Table) -> pa.Table:
    """`rollups`, summed, without rows of only zeros and without `event_seq`."""
    zero = [pc.fill_null(pc.equal(rollups[name], pa.scalar(0, rollups[name].type)), True) for name in fold.SUMS]
    empty = zero[0]
    for more in zero[1:]:
        empty = pc.and_(empty, more)
    return rollups.filter(pc.invert(empty)).drop_columns(["event_seq"])


def digest(parts: Iterator[pa.Table]) -> str:
    hashes = [hashlib.sha256(line.encode()).digest() for part in parts for line in lines(part)]
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


def lines(part: pa.Table) -> list[str]:
    """Each row as text. Tabs, line ends and backslashes within text are escaped."""
    if part.num_rows == 0:
        return []
    columns = [text(column.combine_chunks()) for column in part.columns]
    tab = pa.scalar("\t", pa.large_string())
    joined = pc.binary_join_element_wise(*columns, tab, null_handling="replace", null_replacement=NULL)
    return list(joined.to_pylist())


def text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as large strings, NULL where it is NULL."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    kind = column.type
    if pa.types.is_map(kind):
        return map_text(column)
    if pa.types.is_list(kind):
        return list_text(column)
    if pa.types.is_fixed_size_binary(kind):
        return hex_text(column)
    if pa.types.is_large_binary(kind):
        return pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.large_string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return escaped(column.cast(pa.large_string()))
    return column.cast(pa.string()).cast(pa.large_string())


def escaped(column: pa.Array) -> pa.Array:
    for raw, safe in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        column = pc.replace_substring(column, raw, safe)
    return column


def hex_text(column: pa.Array) -> pa.Array:
    width = column.type.byte_width
    raw = np.frombuffer(column.buffers()[1], np.uint8, count=width * len(column), offset=width * column.offset)
    offsets = np.arange(len(column) + 1, dtype=np.int64) * (2 * width)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(_HEX[raw])]
    every = pa.Array.from_buffers(pa.large_string(), len(column), buffers)
    return pc.if_else(column.is_valid(), every, pa.scalar(None, pa.large_string()))


def list_text(column: pa.Array) -> pa.Array:
    """Elements in their order, each followed by `\\;`."""
    column = column.take(pa.array(np.arange(len(column))))  # offsets from 0, whatever it was sliced from
    semicolon, nothing = pa.scalar("\\;", pa.large_string()), pa.scalar("", pa.large_string())
    elements = pc.fill_null(escaped(column.values.cast(pa.large_string())), NULL)
    entries = pc.binary_join_element_wise(elements, semicolon, nothing)
    whole = pc.binary_join(pa.LargeListArray.from_arrays(column.offsets.cast(pa.int64()), entries), nothing)
    return pc.if_else(column.is_valid(), whole, pa.scalar(None, pa.large_string()))


def map_text(column: pa.Array) -> pa.Array:
    """Entries as `key\\=value` in their order, each followed by `\\;`: no escaped text holds these two."""
    column = column.take(pa.array(np.arange(len(column))))  # offsets from 0, whatever it was sliced from
    keys, values = (escaped(part.cast(pa.large_string())) for part in (column.keys, column.items))
    equals, semicolon, nothing = (pa.scalar(mark, pa.large_string()) for mark in ("\\=", "\\;", ""))
    entries = pc.binary_join_element_wise(keys, equals, pc.fill_null(values, NULL), semicolon, nothing)
    lists = pa.LargeListArray.from_arrays(column.offsets.cast(pa.int64()), entries)
    whole = pc.binary_join(lists, nothing)
    return pc.if_else(column.is_valid(), whole, pa.scalar(None, pa.large_string()))

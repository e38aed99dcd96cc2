"""Segments: immutable Parquet files with the rows of one table, one shard and one UTC day of record time.

Rows lie in the order of their trace, so that a filter on a trace id reads one row group a file; ids that rows are
looked up by otherwise have Bloom filters. Every column, nested ones too, carries its field id (ledger/schema.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger.schema import ARROW, SCHEMA_VERSION
from ledger.store.files import Out
from ledger.store.hot import conform

Ints = npt.NDArray[np.int64]

SEQ: dict[str, str] = {
    "spans": "source_seq",
    "logs": "source_seq",
    "metrics": "source_seq",
    "readings": "source_seq",
    "residuals": "source_seq",
    "placements": "event_seq",
    "charges": "event_seq",
    "rollups": "event_seq",
    "run_parts": "event_seq",
    "run_merges": "event_seq",
    "conflicts": "source_seq",
    "quarantine": "source_seq",
    "events": "event_seq",
    "price_books": "event_seq",
    "prices": "event_seq",
    "price_overrides": "event_seq",
    "cost_sources": "event_seq",
    "rerates": "event_seq",
    "reconciliations": "event_seq",
    "periods": "event_seq",
    "settlings": "event_seq",
}
"""The column of each table that names the event whose posting wrote the row: its place in record time."""
TRACED = ("spans", "logs", "readings", "residuals", "placements", "charges", "run_parts", "conflicts")
"""Tables whose rows belong to a trace; logs may belong to none, and lie before all others."""
UNTRACED = {"rollups": "hour_ns"}
"""What rows of other tables are sorted by, where it is not the event: rollups that fold into one lie together."""
POSITION: dict[str, str] = {
    "spans": "span_index",
    "logs": "log_index",
    "metrics": "point_index",
    "readings": "point_index",
    "residuals": "residual_index",
    "conflicts": "span_index",
    "charges": "line",
}
"""What orders the rows of one trace and event, where there is something."""
BLOOM: dict[str, tuple[str, ...]] = {
    "spans": ("response_id",),
    "logs": ("response_id",),
    "placements": ("run_id",),
    "charges": ("run_id",),
    "run_parts": ("run_id",),
    "run_merges": ("run_id", "into_run_id"),
}
"""Columns that rows are looked up by besides the trace: measured, one file of 200,000 rows reads 1 row group of 13."""

SHARD_EVENTS = 1 << 48
"""event_seq = shard * 2^48 + n."""
DAY_NS = 86_400 * 1_000_000_000
ROW_GROUP_ROWS = 32_768
"""Small enough that the spans of one run cost few decoded bytes, large enough that each group's cost is spread."""
BLOOM_VALUES = ROW_GROUP_ROWS
"""Distinct values a Bloom filter is laid out for. Left out, pyarrow holds 64 MB for each until the file is closed."""
ROW_GROUP_ROWS_MIN = 2_048
"""One vector of DuckDB."""
ROW_GROUP_BYTES = 8 << 20
"""Of rows with long content a group has fewer: a merge holds one group of each of its inputs."""
ZSTD_LEVEL = 3
WRITE_BATCH_ROWS = 8_192
"""Values encoded at a time: by default 1024, at 4 % more time for rows with long content."""
METADATA_CACHE_FILES = 512
"""Footers kept in memory, of files that never change: twice what merging leaves in a busy day."""

_ENCODINGS: Mapping[str, tuple[str, ...]] = {
    "PLAIN": ("trace_id", "span_id", "parent_span_id", "call_span_id", "duplicate_of_span_id", "run_id", "into_run_id",
              "charged_ns", "booked_cost_usd", "cost_usd", "input", "output", "body", "content_hash", "raw_sha256",
              "bytes"),
    "BYTE_STREAM_SPLIT": ("booked_quantity", "source_seq", "span_index", "log_index", "point_index", "event_seq",
                          "replaces_seq", "reverses_seq", "first_seq"),
    "DELTA_BINARY_PACKED": ("start_ns", "end_ns", "time_ns", "observed_ns", "started_ns", "ended_ns", "input_tokens",
                            "output_tokens"),
    "DELTA_BYTE_ARRAY": ("response_id", "tool_call_id"),
}  # fmt: skip
"""How columns are written whose values hardly repeat, or repeat in long stretches, which Zstandard finds only where
they lie byte by byte; all others have a dictionary. Measured for each in bytes a span (docs/adr/0016)."""
_NO_STATISTICS = ("input", "output", "body", "bounds", "counts", "status_message", "attributes", "resource", "bytes")
"""Long text that nothing is pruned by."""


def shard_and_day(seqs: Ints, event_seqs: Ints, received_ns: Ints) -> tuple[Ints, Ints]:
    """Shard and day number since 1970 of record time, for rows written by `seqs`, which all are among `event_seqs`."""
    order = np.argsort(event_seqs, kind="stable")
    at = np.searchsorted(event_seqs[order], seqs)
    return seqs // SHARD_EVENTS, (received_ns[order] // DAY_NS)[at]


def split(table: str, rows: pa.Table, events: pa.Table) -> Iterator[tuple[int, str, pa.Table]]:
    """`rows` by (shard, day), in order of both. `events` holds the event of every row."""
    if rows.num_rows == 0:
        return
    seqs = rows[SEQ[table]].to_numpy()
    shard, day = shard_and_day(seqs, events["event_seq"].to_numpy(), events["received_ns"].to_numpy())
    for group_shard, group_day in _pairs(shard, day):
        within = (shard == group_shard) & (day == group_day)
        yield group_shard, day_text(group_day), rows if within.all() else rows.filter(pa.array(within))


def _pairs(shard: Ints, day: Ints) -> list[tuple[int, int]]:
    """The distinct (shard, day), ordered. Nearly always there is one, which costs no sorting."""
    if (shard == shard[0]).all() and (day == day[0]).all():
        return [(int(shard[0]), int(day[0]))]
    return sorted(set(zip(shard.tolist(), day.tolist(), strict=True)))


def day_text(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def trace_halves(ids: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.uint64]:
    """Trace ids as rows of two unsigned integers that compare as the bytes do; zeros, which are no id, for NULL."""
    array = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    if array.null_count:
        array = pc.fill_null(array, bytes(16))
    raw = np.frombuffer(array.buffers()[1] or b"", dtype=">u8", count=2 * len(array), offset=16 * array.offset)
    return raw.reshape(-1, 2).astype(np.uint64)


def keys(table: str, rows: pa.Table) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """What rows of a segment are sorted by, as the high and the low half: the trace, else the hour or the event."""
    if table in TRACED:
        halves = trace_halves(rows["trace_id"])
        return halves[:, 0], halves[:, 1]
    return np.zeros(rows.num_rows, np.uint64), rows[UNTRACED.get(table, SEQ[table])].to_numpy().astype(np.uint64)


def in_order(table: str, rows: pa.Table) -> pa.Table:
    """`rows` sorted by trace, then event, then position: the order of rows within a segment."""
    high, low = keys(table, rows)
    order: list[npt.NDArray[Any]] = [rows[SEQ[table]].to_numpy(), low, high]
    if table in POSITION:
        order.insert(0, rows[POSITION[table]].to_numpy())
    # From one chunk Arrow takes strings half as fast as from several (measured with 26).
    half = rows.num_rows // 2
    return pa.concat_tables([rows.slice(0, half), rows.slice(half)]).take(pa.array(np.lexsort(order)))


def write(out: Out, table: str, shard: int, day: str, first_seq: int, last_seq: int, parts: Iterable[pa.Table]) -> int:
    """Write one segment holding `parts`, which are in order, to `out`; returns its rows."""
    metadata = {
        "spanledger.table": table,
        "spanledger.shard": str(shard),
        "spanledger.day": day,
        "spanledger.first_event_seq": str(first_seq),
        "spanledger.last_event_seq": str(last_seq),
        "spanledger.schema_id": str(SCHEMA_VERSION),
    }
    rows = 0
    with pq.ParquetWriter(out, ARROW[table].with_metadata(metadata), **write_options(table)) as writer:
        for group in grouped(parts):
            writer.write_table(group.replace_schema_metadata(metadata), row_group_size=group.num_rows)
            rows += group.num_rows
    return rows


def grouped(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in row groups of full size, but the last."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        count = sum(table.num_rows for table in waiting)
        size = group_rows(sum(table.nbytes for table in waiting), count)
        if count >= size:
            whole = pa.concat_tables(waiting)
            full = count // size * size
            yield from (whole.slice(at, size) for at in range(0, full, size))
            waiting = [whole.slice(full)]
    if sum(table.num_rows for table in waiting):
        yield pa.concat_tables(waiting)


def group_rows(raw_bytes: int, rows: int) -> int:
    """Rows of a row group, for rows of such a size."""
    per_row = max(1, raw_bytes // max(1, rows))
    return max(ROW_GROUP_ROWS_MIN, min(ROW_GROUP_ROWS, ROW_GROUP_BYTES // per_row))


def row_groups(path: Path, table: str) -> Iterator[pa.Table]:
    """The rows of a segment, one row group at a time."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for group in range(file.metadata.num_row_groups):
            yield conform(table, file.read_row_group(group, use_threads=False))


@lru_cache
def write_options(table: str) -> dict[str, Any]:
    leaves = [leaf for field in ARROW[table] for leaf in _leaves(field)]
    encoding = {name: encoding for encoding, names in _ENCODINGS.items() for name in names}
    return {
        "compression": "zstd",
        "compression_level": ZSTD_LEVEL,
        "use_dictionary": [leaf for leaf in leaves if leaf not in encoding],
        "column_encoding": {leaf: encoding[leaf] for leaf in leaves if leaf in encoding},
        "write_statistics": [leaf for leaf in leaves if leaf.partition(".")[0] not in _NO_STATISTICS],
        "write_batch_size": WRITE_BATCH_ROWS,
        "write_page_checksum": True,
        "bloom_filter_options": {name: {"ndv": BLOOM_VALUES} for name in BLOOM.get(table, ())} or None,
    }


def _leaves(field: pa.Field) -> list[str]:
    if pa.types.is_map(field.type):
        return [f"{field.name}.key_value.key", f"{field.name}.key_value.value"]
    if pa.types.is_list(field.type):
        return [f"{field.name}.list.element"]
    return [field.name]


@lru_cache(maxsize=METADATA_CACHE_FILES)
def footer(path: Path) -> pq.FileMetaData:
    return pq.read_metadata(path)


def read(path: Path, table: str, trace_ids: Sequence[bytes], columns: Sequence[str]) -> pa.Table:
    """The rows of `path` that belong to `trace_ids`, which are sorted. Only row groups that may hold one are read."""
    metadata = footer(path)
    position = metadata.schema.names.index("trace_id")
    groups = [group for group in range(metadata.num_row_groups) if _may_hold(metadata, group, position, trace_ids)]
    if not groups:
        return ARROW[table].empty_table().select(columns)
    with pq.ParquetFile(path, metadata=metadata, page_checksum_verification=True) as file:
        there = set(file.schema_arrow.names)
        have = [name for name in columns if name in there]
        rows = file.read_row_groups(groups, columns=[*have, "trace_id"], use_threads=False)
    return conform(table, of_traces(rows, trace_ids)).select(columns)


def of_events(path: Path, table: str, seqs: Ints, columns: Sequence[str]) -> Iterator[pa.Table]:
    """`columns` of the rows of `path` that were written by `seqs`, which are sorted, a row group at a time."""
    metadata, names = footer(path), list(dict.fromkeys([*columns, SEQ[table]]))
    position = metadata.schema.names.index(SEQ[table])
    with pq.ParquetFile(path, metadata=metadata, page_checksum_verification=True) as file:
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(position).statistics
            at = int(np.searchsorted(seqs, statistics.min))
            if at < len(seqs) and seqs[at] <= statistics.max:
                rows = file.read_row_group(group, columns=names, use_threads=False)
                yield by_events(rows, table, seqs).select(columns)


def batches(path: Path, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """`columns` of all rows of `path`, a row group at a time."""
    metadata = footer(path)
    with pq.ParquetFile(path, metadata=metadata, page_checksum_verification=True) as file:
        have = [name for name in columns if name in set(file.schema_arrow.names)]
        for group in range(metadata.num_row_groups):
            rows = file.read_row_group(group, columns=have, use_threads=False)
            yield conform(table, rows).select(columns)


def by_events(rows: pa.Table, table: str, seqs: Ints) -> pa.Table:
    return rows.filter(pc.is_in(rows[SEQ[table]], value_set=pa.array(seqs)))


def _may_hold(metadata: pq.FileMetaData, group: int, position: int, trace_ids: Sequence[bytes]) -> bool:
    statistics = metadata.row_group(group).column(position).statistics
    if not statistics.has_min_max:  # no row of the group has a trace
        return False
    at = int(np.searchsorted(np.array(trace_ids, dtype=object), statistics.min))
    return at < len(trace_ids) and trace_ids[at] <= statistics.max


def of_traces(rows: pa.Table, trace_ids: Sequence[bytes]) -> pa.Table:
    wanted = pa.array(trace_ids, pa.binary(16))
    return rows.filter(pc.is_in(rows["trace_id"], value_set=wanted))

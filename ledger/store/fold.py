"""Rows that later rows make superfluous, left out whenever a file is written: at a flush and at a merge.

What a table says does not change by it, so any part of a table's rows may be folded, in any order and again. A merge of
files that are not neighbours in time is such a part.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SUMS = (
    *("calls", "errors", "input_tokens", "output_tokens", "cost_usd", "unpriced_calls"),
    *("result_usd", "result_calls", "agents_usd"),
)
"""What rollups sum; `event_seq` names the last event folded, and the rest are keys."""


def latest_of_trace(rows: pa.Table) -> pa.Table:
    """Of each trace the rows of its last event: `run_parts`, where every event that touches a trace writes it anew."""
    traces = rows.select(["tenant", "trace_id"]).append_column("at", pa.array(np.arange(rows.num_rows)))
    last = traces.append_column("event_seq", rows["event_seq"]).group_by(["tenant", "trace_id"], use_threads=False)
    seqs = last.aggregate([("event_seq", "max"), ("at", "list")])
    lists = seqs["at_list"].combine_chunks()
    latest = np.empty(rows.num_rows, dtype=np.int64)
    latest[lists.flatten().to_numpy()] = np.repeat(seqs["event_seq_max"].to_numpy(), np.diff(lists.offsets.to_numpy()))
    keep: npt.NDArray[np.bool_] = rows["event_seq"].to_numpy() == latest
    return rows if keep.all() else rows.filter(pa.array(keep))


def summed(rollups: pa.Table) -> pa.Table:
    """`rollups` that agree in all keys as one row."""
    keys = [name for name in rollups.column_names if name not in (*SUMS, "event_seq")]
    sums = [(name, "sum") for name in SUMS]
    total = rollups.group_by(keys, use_threads=False).aggregate([*sums, ("event_seq", "max")])
    total = total.rename_columns([name.removesuffix("_sum").removesuffix("_max") for name in total.column_names])
    return total.select(rollups.column_names).cast(rollups.schema)


FOLDS: Mapping[str, Callable[[pa.Table], pa.Table]] = {"run_parts": latest_of_trace, "rollups": summed}


def folded(table: str, rows: pa.Table) -> pa.Table:
    """`rows` of `table`, without those that say nothing beside the others."""
    fold = FOLDS.get(table)
    return fold(rows) if fold and rows.num_rows else rows

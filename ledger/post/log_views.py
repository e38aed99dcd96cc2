"""Log records that are views of calls: those that report tokens or a cost of what a model did.

They are posted as spans are, in the columns of spans, each as a leaf below the span that it names.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.forest import LOG, SPAN
from ledger.calls.roles import MODEL, roles
from ledger.post.intake import READ
from ledger.post.pricing import PRICED_FROM
from ledger.schema import ARROW, SPAN_ID

VIEWS = pa.schema(
    [ARROW["spans"].field(name).remove_metadata() for name in dict.fromkeys((*READ, *PRICED_FROM))]
    + [ARROW["logs"].field("content_hash").remove_metadata(), pa.field("signal", pa.uint8())]
)
"""What posting reads of a view. `content_hash`: of a log record or a reading of metrics; NULL for a span. `signal`: its
number in calls.forest."""
OF_SPANS = VIEWS.names[:-2]
"""The columns that spans have too."""

NAMED_OTHERWISE = {"end_ns": "time_ns", "span_index": "log_index"}
"""Column of VIEWS -> that of `logs` which it is."""
_MADE = ("trace_id", "span_id", "parent_span_id", "start_ns", "scope_name", "output_bytes", "signal")
LOG_COLUMNS = (
    *(NAMED_OTHERWISE.get(name, name) for name in VIEWS.names if name not in _MADE),
    *("trace_id", "span_id", "duration_ns", "scope_name", "event_name"),
)
"""Columns of `logs` that VIEWS are made of."""


def span_views(spans: pa.Table) -> pa.Table:
    """VIEWS of `spans`: schema.SPANS, at least those of its columns that VIEWS has."""
    nulls = pa.nulls(spans.num_rows, VIEWS.field("content_hash").type)
    return pa.table([spans[name] for name in OF_SPANS] + [nulls, signals(spans, SPAN)], schema=VIEWS)


def signals(rows: pa.Table, signal: int) -> pa.Array:
    """`signal` for each of `rows`."""
    return pa.array(np.full(rows.num_rows, signal, dtype=np.uint8))


def log_views(logs: pa.Table) -> pa.Table:
    """VIEWS of those of `logs` (LOG_COLUMNS) that are views of calls.

    One without a trace is in a trace of its own, called after its content hash; its event name tells it from others of
    the same instrumentation, as a scope does.
    """
    logs = logs.filter(pa.array(is_view(logs)))
    made = {
        "trace_id": pc.coalesce(logs["trace_id"], logs["content_hash"]),
        "span_id": first_halves(logs["content_hash"]),
        "parent_span_id": pc.if_else(pc.is_valid(logs["trace_id"]), logs["span_id"], pa.scalar(None, SPAN_ID)),
        "start_ns": _began(logs),
        "output_bytes": pa.nulls(logs.num_rows, pa.int64()),  # of tools, and here is none
        "signal": signals(logs, LOG),
        "scope_name": pc.binary_join_element_wise(
            logs["scope_name"], logs["event_name"], " ", null_handling="replace", null_replacement=""
        ),
    }
    columns = [made[name] if name in made else logs[NAMED_OTHERWISE.get(name, name)] for name in VIEWS.names]
    return pa.table(columns, schema=VIEWS)


def is_view(logs: pa.Table) -> np.ndarray:
    """Which of `logs` (LOG_COLUMNS) are views of calls."""
    reports = pc.or_(pc.equal(logs["usage_status"], "reported"), pc.is_valid(logs["reported_cost_usd"]))
    found: np.ndarray = (roles(logs["operation"]) == MODEL) & pc.fill_null(reports, False).to_numpy()
    return found


def columns_of_views(table: str, otherwise: Mapping[str, str]) -> tuple[str, ...]:
    """Columns of `table` that VIEWS are made of, by `views_of`. `otherwise`: column of VIEWS -> that of `table` which
    it is."""
    names = dict.fromkeys((*(otherwise.get(name, name) for name in VIEWS.names), "content_hash"))
    return tuple(name for name in names if name in ARROW[table].names)


def views_of(rows: pa.Table, otherwise: Mapping[str, str], signal: int) -> pa.Table:
    """VIEWS of `rows` (`columns_of_views`); what they do not have is not known of them."""
    made = {"span_id": first_halves(rows["content_hash"]), "signal": signals(rows, signal)}
    columns = []
    for field in VIEWS:
        name = otherwise.get(field.name, field.name)
        known = made.get(field.name, rows[name] if name in rows.column_names else None)
        columns.append(pa.nulls(rows.num_rows, field.type) if known is None else known)
    return pa.table(columns, schema=VIEWS)


def first_halves(hashes: pa.ChunkedArray) -> pa.Array:
    """Content hashes as they stand for a span's id."""
    return pc.binary_slice(hashes.cast(pa.binary()), 0, SPAN_ID.byte_width).cast(SPAN_ID)


def _began(logs: pa.Table) -> pa.Array:
    """When the call began: as long before the log was written as the log says that it took; 0 if no time was sent."""
    time_ns = logs["time_ns"].to_numpy()
    took_ns = pc.fill_null(logs["duration_ns"], 0).to_numpy()
    return pa.array(np.where((time_ns > 0) & (took_ns < time_ns), time_ns - took_ns, time_ns))

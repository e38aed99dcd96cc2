"""Rows of `residuals`: what spans around calls know of beyond them; and these rows as views of calls."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from ledger.calls.forest import SETTLEMENT
from ledger.calls.ids import ID_BYTES, field
from ledger.calls.residual import Beyond
from ledger.post.log_views import columns_of_views, views_of
from ledger.schema import ARROW

NAMED_OTHERWISE = {"span_index": "residual_index"}
"""Column of VIEWS -> that of `residuals` which it is."""
RESIDUAL_COLUMNS = columns_of_views("residuals", NAMED_OTHERWISE)
"""Columns of `residuals` that VIEWS are made of."""
_SAME = (
    *("tenant", "trace_id", "service_name", "environment", "provider", "request_model", "response_model"),
    *("service_tier", "start_ns", "end_ns", "scope_name", "received_ns"),
)
"""What a residual has of its span."""
_PARTS = {
    "cache_read_tokens": "input_tokens",
    "cache_write_tokens": "input_tokens",
    "reasoning_tokens": "output_tokens",
}
"""Tokens that are counted in others."""

OPERATION = "chat"
"""What is not told apart is taken for conversation, which is what nearly all of it is."""


def residual_views(residuals: pa.Table) -> pa.Table:
    """VIEWS of `residuals` (RESIDUAL_COLUMNS)."""
    return views_of(residuals.select(RESIDUAL_COLUMNS), NAMED_OTHERWISE, SETTLEMENT)


def residual_rows(
    beyond: Sequence[Beyond], views: pa.Table, rows: np.ndarray, event_seq: int, first_index: int
) -> pa.Table:
    """schema.RESIDUALS of `beyond`, numbered from `first_index`. `views`: VIEWS of the traces that these lie in, and
    of each its row in the forest."""
    place = dict(zip(rows.tolist(), range(len(rows)), strict=True))
    lines = []
    for index, one in enumerate(beyond, first_index):
        span = views.slice(place[one.row], 1).to_pylist()[0]
        calls = views.take(pa.array([place[row] for row in one.billing.tolist() if row in place], pa.int64()))
        lines.append(_line(one, span, calls, event_seq) | {"residual_index": index})
    return pa.Table.from_pylist(lines, schema=ARROW["residuals"])


def _line(one: Beyond, span: Mapping[str, Any], calls: pa.Table, event_seq: int) -> dict[str, Any]:
    known = {"input_tokens": one.input_tokens, "output_tokens": one.output_tokens}
    return {
        **{name: span[name] for name in _SAME},
        **known,
        **{part: _part(part, span, calls, known[whole]) for part, whole in _PARTS.items()},
        "parent_span_id": span["span_id"],
        "content_hash": identity(span["tenant"], span["trace_id"], span["span_id"], event_seq),
        "source_seq": event_seq,
        "operation": OPERATION,
        "usage_status": "reported",
        "span_seq": span["source_seq"],
        "span_index": span["span_index"],
    }


def _part(part: str, span: Mapping[str, Any], calls: pa.Table, most: int) -> int | None:
    """What the span knows of `part` beyond `calls`, no more than there is of the whole; NULL where it knows none."""
    if span[part] is None:
        return None
    counted = sum(value or 0 for value in calls[part].to_pylist())
    return min(max(int(span[part]) - counted, 0), most)


def identity(tenant: str, trace_id: bytes, span_id: bytes, event_seq: int) -> bytes:
    """First 16 bytes of SHA-256 of field(tenant), field(trace_id and span_id) and field(event_seq, 8 bytes,
    big-endian)."""
    fields = (tenant.encode(), trace_id + span_id, event_seq.to_bytes(8, "big"))
    return sha256(b"".join(map(field, fields))).digest()[:ID_BYTES]

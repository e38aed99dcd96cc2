"""Readings of metrics as views of calls, in the columns of spans."""

import pyarrow as pa

from ledger.calls.forest import METRIC
from ledger.post.log_views import VIEWS, first_halves, signals
from ledger.schema import ARROW

NAMED_OTHERWISE = {"span_index": "point_index"}
"""Column of VIEWS -> that of `readings` which it is."""
READING_COLUMNS = tuple(
    dict.fromkeys(
        name for name in (NAMED_OTHERWISE.get(name, name) for name in VIEWS.names) if name in ARROW["readings"].names
    )
)
"""Columns of `readings` that VIEWS are made of; what they do not have is not known of a reading."""


def reading_views(readings: pa.Table) -> pa.Table:
    """VIEWS of `readings` (READING_COLUMNS)."""
    made = {"span_id": first_halves(readings["content_hash"]), "signal": signals(readings, METRIC)}
    columns = []
    for field in VIEWS:
        name = NAMED_OTHERWISE.get(field.name, field.name)
        known = made.get(name, readings[name] if name in READING_COLUMNS else None)
        columns.append(pa.nulls(readings.num_rows, field.type) if known is None else known)
    return pa.table(columns, schema=VIEWS)

"""Readings of metrics as views of calls, in the columns of spans."""

import pyarrow as pa

from ledger.calls.forest import METRIC
from ledger.post.log_views import columns_of_views, views_of

NAMED_OTHERWISE = {"span_index": "point_index"}
"""Column of VIEWS -> that of `readings` which it is."""
READING_COLUMNS = columns_of_views("readings", NAMED_OTHERWISE)
"""Columns of `readings` that VIEWS are made of."""


def reading_views(readings: pa.Table) -> pa.Table:
    """VIEWS of `readings` (READING_COLUMNS)."""
    return views_of(readings.select(READING_COLUMNS), NAMED_OTHERWISE, METRIC)

"""Log records that are views of calls: those that state usage or a cost."""

import pyarrow as pa
import pyarrow.compute as pc

STATED = ("input_tokens", "output_tokens", "reported_cost_usd")
LONG = ("body", "input", "output", "attributes", "resource")
"""Columns of `logs` that deciding needs none of."""


def log_views(logs: pa.Table) -> pa.Table:
    """The rows of `logs` (schema.LOGS) that state usage or a cost, in their order, without LONG columns."""
    stated = pa.array([False] * logs.num_rows)
    for name in STATED:
        stated = pc.or_(stated, pc.is_valid(logs[name]))
    return logs.drop_columns(list(LONG)).filter(stated)

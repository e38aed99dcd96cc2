"""What tools cost by prices of one's own, as a person reads it: no price book has prices of tools."""

import duckdb
import pyarrow as pa

from ledger.books.override import Rule
from queries.prices.rerate import overrides_in_force

COLUMNS = {
    "tool": pa.string(),
    "unit": pa.string(),
    "price_usd": pa.decimal128(38, 12),
    "per": pa.int64(),
    "tier_from": pa.int64(),
    "valid_from_ns": pa.int64(),
    "valid_to_ns": pa.int64(),
    "override_id": pa.string(),
    "reason": pa.string(),
}
"""Attributes of a rule that are shown; times become timestamps."""


def fees(connection: duckdb.DuckDBPyConnection, at_ns: int, name: str | None = None) -> pa.Table:
    """One row a rule that says at `at_ns` what a tool costs, of `name` if one is given. Of several for one unit the
    first holds."""
    rules = [rule for rule in reversed(overrides_in_force(connection).ranked) if _is_asked(rule, at_ns, name)]
    rows = [{column: getattr(rule, column) for column in COLUMNS} for rule in rules]
    found = pa.Table.from_pylist(rows, schema=pa.schema(list(COLUMNS.items())))
    for column in ("valid_from", "valid_to"):
        at = found.schema.get_field_index(f"{column}_ns")
        times = pa.array([ns if ns is None else ns // 1_000 for ns in found[f"{column}_ns"].to_pylist()], pa.int64())
        found = found.set_column(at, column, times.cast(pa.timestamp("us")))
    return found


def _is_asked(rule: Rule, at_ns: int, name: str | None) -> bool:
    begun = rule.valid_from_ns is None or rule.valid_from_ns <= at_ns
    valid = begun and (rule.valid_to_ns is None or at_ns < rule.valid_to_ns)
    return rule.tool is not None and valid and (name is None or rule.matches_tool(name.strip().lower()))

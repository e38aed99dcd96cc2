"""Cost summed by agent, model or tool, from the hourly rollups. What has no price is counted apart, never as zero."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ledger.errors import Refused


@dataclass(frozen=True)
class Breakdown:
    """One way to sum up: the view, the columns that name a row, and figures that only this view has."""

    view: str
    keys: tuple[str, ...]
    extra: tuple[str, ...] = ()


BREAKDOWNS: Mapping[str, Breakdown] = {
    "agent": Breakdown("cost_by_agent", ("agent_name", "service_name", "environment")),
    "model": Breakdown("cost_by_model", ("provider", "model")),
    "tool": Breakdown("cost_by_tool", ("tool_name",), ("beneath_usd", "result_usd")),
}

HOUR_NS = 3_600 * 10**9


def costs(connection: duckdb.DuckDBPyConnection, by: str, since_ns: int | None = None) -> pa.Table:
    """One row per agent, model or tool, the dearest first. `since_ns` counts from the start of its hour."""
    if by not in BREAKDOWNS:
        raise Refused(f"by {by!r}: give one of {', '.join(BREAKDOWNS)}")
    breakdown = BREAKDOWNS[by]
    keys = ", ".join(breakdown.keys)
    extra = "".join(f", CAST(sum({name}) AS DECIMAL(38, 12)) AS {name}" for name in breakdown.extra)
    hour_ns = int(since_ns or 0) // HOUR_NS * HOUR_NS
    query = (
        f"SELECT {keys}, CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(input_tokens) AS BIGINT) AS input_tokens, "
        f"CAST(sum(output_tokens) AS BIGINT) AS output_tokens, "
        f"CAST(sum(cost_usd) AS DECIMAL(38, 12)) AS cost_usd{extra}, "
        f"CAST(sum(unpriced_calls) AS BIGINT) AS unpriced_calls FROM {breakdown.view} "
        f"WHERE hour_ns >= {hour_ns} GROUP BY {keys} ORDER BY cost_usd DESC NULLS LAST, calls DESC, {keys}"
    )
    return connection.sql(query).to_arrow_table()

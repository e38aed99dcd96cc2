"""Cost summed by agent, model, tool or key, from the hourly rollups. What has no price is counted apart, never as 0."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from ledger.errors import Refused


@dataclass(frozen=True)
class Breakdown:
    """One way to sum up: the view, the columns that name a row, and figures that only this view has, as SQL."""

    view: str
    keys: tuple[str, ...]
    extra: Mapping[str, str] = field(default_factory=dict)


TOOL_FIGURES = {
    "fee_usd": "sum(fee_usd)",
    "beneath_usd": "CASE WHEN sum(beneath_unpriced_calls) = 0 OR sum(beneath_usd) <> 0 THEN sum(beneath_usd) END",
    "result_usd": "sum(result_usd)",
    "beneath_unpriced_calls": "CAST(sum(beneath_unpriced_calls) AS BIGINT)",
    "result_calls": "CAST(sum(result_calls) AS BIGINT)",
}
"""What a tool costs: its own fee, models beneath it, its results as input; and of how many calls that is known."""

AGENT_FIGURES = {"inclusive_cost_usd": "sum(inclusive_cost_usd)"}
"""What an agent costs with the agents beneath it: not to be summed over agents."""

BREAKDOWNS: Mapping[str, Breakdown] = {
    "agent": Breakdown("cost_by_agent", ("agent_name", "service_name", "environment"), AGENT_FIGURES),
    "model": Breakdown("cost_by_model", ("provider", "model")),
    "tool": Breakdown("cost_by_tool", ("tool_name",), TOOL_FIGURES),
    "credential": Breakdown("cost_by_credential", ("credential",)),
}

HOUR_NS = 3_600 * 10**9


def telling(rows: pa.Table) -> pa.Table:
    """`rows` without the cost inclusive of agents beneath where no agent has any: it says nothing then."""
    alike = "inclusive_cost_usd" in rows.column_names and rows["inclusive_cost_usd"].equals(rows["cost_usd"])
    return rows.drop_columns(["inclusive_cost_usd"]) if alike else rows


def costs(connection: duckdb.DuckDBPyConnection, by: str, since_ns: int | None = None) -> pa.Table:
    """One row per agent, model, tool or key, the dearest first. `since_ns` counts from the start of its hour."""
    if by not in BREAKDOWNS:
        raise Refused(f"by {by!r}: give one of {', '.join(BREAKDOWNS)}")
    breakdown = BREAKDOWNS[by]
    keys = ", ".join(breakdown.keys)
    extra = "".join(f", {_money(name, said)} AS {name}" for name, said in breakdown.extra.items())
    dearest = "".join(f"{name} DESC NULLS LAST, " for name in ("cost_usd", *breakdown.extra) if name.endswith("_usd"))
    hour_ns = int(since_ns or 0) // HOUR_NS * HOUR_NS
    query = (
        f"SELECT {keys}, CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(input_tokens) AS BIGINT) AS input_tokens, "
        f"CAST(sum(output_tokens) AS BIGINT) AS output_tokens, "
        f"CAST(sum(cost_usd) AS DECIMAL(38, 12)) AS cost_usd{extra}, "
        f"CAST(sum(unpriced_calls) AS BIGINT) AS unpriced_calls FROM {breakdown.view} "
        f"WHERE hour_ns >= {hour_ns} GROUP BY {keys} ORDER BY {dearest}calls DESC, {keys}"
    )
    return connection.sql(query).to_arrow_table()


def _money(name: str, said: str) -> str:
    return f"CAST({said} AS DECIMAL(38, 12))" if name.endswith("_usd") else said

"""The public rollups: what each sums, by what. One line more makes one rollup more.

All of them are folds of the one wide table `schema.ROLLUPS`, which the poster keeps; a view of each name is made from
the entry here. A key is a column of that table; a measure is a public column and the expression that sums it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Rollup:
    """A public view: `SELECT keys, measures FROM rollups WHERE only GROUP BY keys`. Keys are beside `tenant` and the
    hour."""

    name: str
    keys: Sequence[str]
    measures: Mapping[str, str]
    only: str = "TRUE"
    doc: str = ""


_SUMS: Mapping[str, str] = MappingProxyType(
    {
        "calls": "sum(calls)",
        "errors": "sum(errors)",
        "input_tokens": "sum(input_tokens)",
        "output_tokens": "sum(output_tokens)",
        "cost_usd": "sum(cost_usd)",
        "unpriced_calls": "sum(unpriced_calls)",
    }
)

_AGENT = ("environment", "service_name", "agent_name")

ROLLUPS: tuple[Rollup, ...] = (
    Rollup("cost_by_agent", (*_AGENT, "user_id", "team"), _SUMS, doc="what each agent spent itself"),
    Rollup("cost_by_model", ("provider", "model"), _SUMS, only="kind = 'model'", doc="what each model cost"),
    Rollup(
        "cost_by_tool", ("tool_name",), {**_SUMS, "fee_usd": "sum(cost_usd)"}, only="tool_name IS NOT NULL", doc="tools"
    ),
)
"""`inclusive_cost_usd`, `beneath_usd` and `result_usd` need the tree of spans and are no fold of this table."""

BY_NAME: Mapping[str, Rollup] = MappingProxyType({rollup.name: rollup for rollup in ROLLUPS})

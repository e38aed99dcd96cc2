"""The public rollups: what each sums, by what. One line more makes one rollup more.

All are folds of the one wide table `schema.ROLLUPS`, which the poster keeps by hour and tenant. This is plain data: the
SQL views of the same names are in queries/views, and a test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rollup:
    """A public rollup: its keys beside tenant and hour, and what it sums. Both are columns of `schema.ROLLUPS`."""

    name: str
    keys: Sequence[str]
    measures: Sequence[str]


_MEASURES = ("calls", "errors", "input_tokens", "output_tokens", "cost_usd", "unpriced_calls")
_WHO = ("environment", "service_name", "agent_name")

ROLLUPS: tuple[Rollup, ...] = (
    Rollup("cost_by_agent", (*_WHO, "team", "user_id"), _MEASURES),
    Rollup("cost_by_model", (*_WHO, "provider", "model"), _MEASURES),
    Rollup("cost_by_tool", (*_WHO, "tool_name"), _MEASURES),
    Rollup("cost_by_credential", (*_WHO, "credential"), _MEASURES),
)

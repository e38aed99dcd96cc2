"""Which costs that telemetry itself states are believed over the computed one: a literal table, by attribute. What an
owner says instead is in `cost_sources`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pyarrow as pa

from ledger.books.distinct import distinct
from ledger.money import Amounts, Bools, Int64s, read_decimals


class Preference(IntEnum):
    """What a stated cost is good for. Only a positive one is used: 0 often means that the sender did not know."""

    NEVER = 0
    WHERE_NO_PRICE = 1
    """An SDK's own estimate from some price list: used only for a call of which no unit has a price here."""
    ALWAYS = 2
    """The figure of whoever bills or meters the call: provider, gateway, command-line agent."""
    GREATER = 3
    """The greater of the stated and the computed one, where both are known: by an owner's choice only."""


METERING = (Preference.ALWAYS, Preference.GREATER)
"""What a figure is good for that counts whichever view of a call states it."""
POLICIES: Mapping[str, Preference] = {
    "computed": Preference.WHERE_NO_PRICE,
    "reported": Preference.ALWAYS,
    "max": Preference.GREATER,
    "never": Preference.NEVER,
}
"""A preference as it is called outside. Where no unit has a price `computed` takes what is stated: better than nothing.
"""

PREFERENCES: Mapping[str, Preference] = {
    # provider or gateway
    "gen_ai.usage.cost": Preference.ALWAYS,
    "gen_ai.usage.cost.amount": Preference.ALWAYS,
    "gen_ai.usage.cost_usd": Preference.ALWAYS,
    "gen_ai.usage.total_cost": Preference.ALWAYS,
    "gen_ai.cost.total_cost": Preference.ALWAYS,  # LiteLLM's callback
    "litellm.cost.total": Preference.ALWAYS,
    # command-line agents
    "cost_usd": Preference.ALWAYS,  # Claude Code
    "cost_usd_micros": Preference.ALWAYS,
    "claude_code.cost.usage": Preference.ALWAYS,  # a metric
    "opencode.llm.cost.total": Preference.ALWAYS,
    # written by the application's author
    "langfuse.observation.cost_details": Preference.ALWAYS,
    # estimates of SDKs
    "operation.cost": Preference.WHERE_NO_PRICE,  # Pydantic AI, by genai-prices
    "llm.cost.total": Preference.WHERE_NO_PRICE,  # OpenInference
    "llm.usage.cost": Preference.WHERE_NO_PRICE,
    "gen_ai.cost.total_tokens": Preference.WHERE_NO_PRICE,  # Sentry: USD, for all its name
    # not USD
    "github.copilot.nano_aiu": Preference.NEVER,
}
"""Attribute or metric that states the cost -> what it is good for."""

UNLISTED = Preference.WHERE_NO_PRICE
"""For a source that is not in the table: better than no figure, but no reason to distrust the price book."""


@dataclass(frozen=True)
class Report:
    """Costs that the telemetry states, by call: pico-dollars, what the figure is good for, and a code of its source."""

    pico: Amounts
    level: Int64s
    source: Int64s
    sources: list[str]


def report_of(views: pa.Table, booked: Bools, preferences: Mapping[str, Preference]) -> Report:
    """`booked`: calls that may have lines at all."""
    amounts, known = read_decimals(views["reported_cost_usd"])
    codes, names = distinct(views, ("reported_source",))
    levels = np.array([preferences.get(name or "", UNLISTED) for (name,) in names], np.int64)
    positive = amounts.small > 0
    for position, value in amounts.wide.items():
        positive[position] = value > 0
    usable = known & positive & booked
    level = np.where(usable, levels[codes], Preference.NEVER)
    return Report(amounts, level, codes, [f"reported: {name or 'source not named'}" for (name,) in names])

"""How a price may go by size: one price for the whole, or to each part its own."""

from dataclasses import dataclass
from decimal import Decimal

WHOLE = "whole"
"""The tier that the request's `input_tokens` reach prices all of it (volume pricing)."""
GRADUATED = "graduated"
"""Each tier prices the part of a line's quantity that lies within it, counted in the line's own unit."""
TIER_RULES = (WHOLE, GRADUATED)

NO_END = 2**63 - 1
"""Where the last tier ends, and what lies further than any quantity reaches."""
TIERS_MAX = 32
"""Most of one price: each is a step of pricing, and no list has more than a few."""


@dataclass(frozen=True)
class Tier:
    """`price_usd` holds from `start` on: tokens in of the request, or units of the line, by the rule of its tiers."""

    start: int
    price_usd: Decimal

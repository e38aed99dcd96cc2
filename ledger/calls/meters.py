"""What data points of metrics count, and what they come to as the usage of a call.

Some counters leave out what others count in: Claude Code's input the cache, Gemini CLI's output the thoughts. Which of
them a metric is says `ingest/dialects/meters.py`; here they are made what the books want.
"""

from collections.abc import Mapping
from decimal import Decimal

from ledger.money import from_pico, to_pico

INPUT, FRESH_INPUT = "input_tokens", "fresh_input_tokens"
OUTPUT, ANSWER = "output_tokens", "answer_tokens"
CACHE_READ, CACHE_WRITE, REASONING = "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"
COST = "cost_usd"
METERS = (INPUT, FRESH_INPUT, CACHE_READ, CACHE_WRITE, OUTPUT, ANSWER, REASONING, COST)
"""Every word of the column `meter`. INPUT counts the cache in, FRESH_INPUT leaves it out; OUTPUT counts reasoning in,
ANSWER leaves it out."""

TOKENS_MAX, COST_MAX = 2**53, Decimal(10**12)
"""What lies beyond is no count of tokens and no amount of USD: it books nothing."""

Metered = Mapping[str, Mapping[str, Decimal]]
"""Metric -> meter -> what data points add up to."""


def worth(meter: str, value_int: int | None, value: float | None) -> Decimal | None:
    """The value of a data point, exactly: tokens, or USD by the shortest text of a double, to 12 decimals. None where
    it is no such number: below 0, not finite, beyond all bounds, or a fraction of a token."""
    found = Decimal(value_int) if value_int is not None else Decimal(repr(float(value or 0)))
    if not found.is_finite() or not 0 <= found <= _most_of(meter):
        return None
    if meter == COST:
        return from_pico(to_pico(found))
    return Decimal(int(found)) if found == int(found) else None


def added(meter: str, total: Decimal, amount: Decimal) -> Decimal:
    """`total` and `amount`, at most what there is."""
    return min(total + amount, _most_of(meter))


def _most_of(meter: str) -> Decimal:
    return COST_MAX if meter == COST else Decimal(TOKENS_MAX)


def usage(metered: Metered) -> dict[str, int | Decimal | str | None]:
    """Columns of `readings`: tokens in inclusive of cache and tokens out inclusive of reasoning, each at least what its
    parts come to, for the points of one moment may come in several requests; NULL where nothing is known.

    Two metrics that count the same do so of the same calls, in two conventions: the greater counts."""
    counted = {meter: max(one[meter] for one in metered.values() if meter in one) for meter in _meters(metered)}
    used = _most(_sum(counted, INPUT), _sum(counted, FRESH_INPUT, CACHE_READ, CACHE_WRITE))
    out = _most(_sum(counted, OUTPUT), _sum(counted, ANSWER, REASONING))
    costs = {name: one[COST] for name, one in sorted(metered.items()) if COST in one}
    return {
        "input_tokens": used,
        "output_tokens": out,
        **{name: _sum(counted, name) for name in (CACHE_READ, CACHE_WRITE, REASONING)},
        "usage_status": "missing" if used is None and out is None else "reported",
        "reported_cost_usd": counted.get(COST),
        "reported_source": max(costs, key=costs.__getitem__, default=None),
    }


def _meters(metered: Metered) -> set[str]:
    return {meter for one in metered.values() for meter in one}


def _sum(counted: Mapping[str, Decimal], *meters: str) -> int | None:
    known = [int(counted[meter]) for meter in meters if meter in counted]
    return sum(known) if known else None


def _most(*counts: int | None) -> int | None:
    return max((count for count in counts if count is not None), default=None)

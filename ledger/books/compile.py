"""Compiles genai-prices into a price book: `python -m ledger.books.compile OUT.parquet`. Its data only; nothing is
fetched.

The only place that imports genai-prices. Each model's history is cut wherever a date or a time of day could change a
price, the library is asked what holds in each piece, and equal neighbours are joined again: the rows say what the
library says, without its rules about which condition wins. Prices of more than 12 decimals are rounded half to even,
and listed. Same library version and same pyarrow give the same bytes.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from json import dumps
from pathlib import Path
from typing import Any

import genai_prices
from genai_prices.data import providers as bundled_providers
from genai_prices.data_units import unit_data
from genai_prices.types import ConditionalPrice, ModelInfo, Provider, StartDateConstraint, TieredPrices

from ledger.books.format import encode
from ledger.books.units import GENAI_CONTEXTS, GENAI_UNITS, POSITION, TIER_CONTEXTS
from ledger.money import from_pico, to_pico

DAY_S = 86_400
_UNIT_OF_PRICE = {unit["price_key"]: (key, unit["per"]) for key, unit in unit_data.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SELECTED = frozenset(TIER_CONTEXTS.values())
_CLAUSES = ("equals", "starts_with", "ends_with", "contains", "regex")

Record = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A stretch of dates and of the day in which a model's prices do not change."""

    day_from: date | None
    day_to: date | None
    tod_from_s: int
    tod_to_s: int
    prices: Mapping[str, Any]

    def same_prices(self, other: "Piece") -> bool:
        return repr(sorted(self.prices.items())) == repr(sorted(other.prices.items()))


def compile_records() -> list[Record]:
    """The whole bundled price list as records (`format.COLUMNS`), in matching order."""
    return [record for provider in bundled_providers for record in _provider_records(provider)]


def compile_book() -> bytes:
    """The book of the installed genai-prices, as it is published."""
    return encode(compile_records(), "genai-prices", genai_prices.__version__)


def _provider_records(provider: Provider) -> Iterator[Record]:
    yield {
        "record": "provider",
        "provider": provider.id,
        "clause": _json(
            {
                "provider": _clause(provider.provider_match),
                "model": _clause(provider.model_match),
                "fallback": provider.fallback_model_providers or [],
            }
        ),
    }
    for model in provider.models:
        yield {
            "record": "model",
            "provider": provider.id,
            "model": model.id,
            "clause": _json(_clause(model.match)),
        }
        yield from _price_records(provider.id, model)


def _clause(logic: Any) -> Any:
    if logic is None:
        return None
    for word in _CLAUSES:
        if hasattr(logic, word):
            return {word: getattr(logic, word)}
    word = "or" if hasattr(logic, "or_") else "and"
    return {word: [_clause(part) for part in getattr(logic, word + "_")]}


def _json(value: Any) -> str:
    return dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _price_records(provider: str, model: ModelInfo) -> Iterator[Record]:
    for context, when in sorted(_contexts(model).items()):
        for piece in _pieces(model, when):
            for key, price in piece.prices.items():
                yield from _tier_records(provider, model.id, context, piece, key, price)


def _contexts(model: ModelInfo) -> dict[str, dict[str, str]]:
    """The circumstances that change a price of this model, and the ordinary one."""
    contexts: dict[str, dict[str, str]] = {"": {}}
    for variant in model.price_variants or ():
        if variant.prices.__dict__:
            pairs = tuple(sorted(variant.when.items()))
            name = GENAI_CONTEXTS.get(pairs) or "&".join(f"{key}={value}" for key, value in pairs)
            contexts.setdefault(name, {}).update(variant.when)
    return contexts


def _pieces(model: ModelInfo, when: dict[str, str]) -> list[Piece]:
    cuts, day_cuts = _cuts(model)
    rows = [
        _join_times([_piece(model, when, days, seconds) for seconds in pairwise(day_cuts)]) for days in pairwise(cuts)
    ]
    return [piece for row in _join_dates(rows) for piece in row if piece.prices]


def _cuts(model: ModelInfo) -> tuple[list[date | None], list[int]]:
    priced = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
    constraints = [part.constraint for part in (*priced, *(model.price_variants or ())) if part.constraint is not None]
    dates = {rule.start_date for rule in constraints if isinstance(rule, StartDateConstraint)}
    times = [rule for rule in constraints if not isinstance(rule, StartDateConstraint)]
    seconds = {_second(at) for rule in times for at in (rule.start_time, rule.end_time)}
    return [None, *sorted(dates), None], sorted({0, DAY_S} | seconds)


def _second(at: time) -> int:
    moment = datetime.combine(date(2000, 1, 2), at)
    moment = moment.replace(tzinfo=UTC) if at.tzinfo is None else moment.astimezone(UTC)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _piece(
    model: ModelInfo, when: dict[str, str], days: tuple[date | None, date | None], seconds: tuple[int, int]
) -> Piece:
    """What the library says at the first instant of the piece, or on the day before the first date."""
    day = days[0] or (days[1] or date(2000, 1, 2)) - timedelta(days=1)
    moment = datetime.combine(day, time(0), tzinfo=UTC) + timedelta(seconds=seconds[0])
    if when and not _applies(model, when, moment):
        return Piece(*days, *seconds, {})  # no price of this context yet: the ordinary one holds, and is found under ""
    prices = {key: price for key, price in model.get_prices(moment, when).__dict__.items() if price is not None}
    return Piece(*days, *seconds, prices)


def _applies(model: ModelInfo, when: dict[str, str], moment: datetime) -> bool:
    return any(
        variant.prices.__dict__
        and (variant.constraint is None or variant.constraint.active(moment))
        and all(when.get(key) == value for key, value in variant.when.items())
        for variant in model.price_variants or ()
    )


def _join_times(row: list[Piece]) -> list[Piece]:
    joined = row[:1]
    for piece in row[1:]:
        if piece.same_prices(joined[-1]):
            joined[-1] = replace(joined[-1], tod_to_s=piece.tod_to_s)
        else:
            joined.append(piece)
    return joined


def _join_dates(rows: list[list[Piece]]) -> list[list[Piece]]:
    joined = rows[:1]
    for row in rows[1:]:
        last = joined[-1]
        if len(row) == len(last) and all(
            a.same_prices(b) and a.tod_from_s == b.tod_from_s for a, b in zip(row, last, strict=True)
        ):
            joined[-1] = [replace(a, day_to=b.day_to) for a, b in zip(last, row, strict=True)]
        else:
            joined.append(row)
    return joined


def _tier_records(
    provider: str, model: str, context: str, piece: Piece, key: str, price: Decimal | TieredPrices
) -> Iterator[Record]:
    usage_key, per = _UNIT_OF_PRICE[key]
    unit = GENAI_UNITS.get(usage_key, usage_key)
    for tier_from, tier_to, usd in _tiers(price):
        rounded = from_pico(to_pico(usd))
        yield {
            "record": "price",
            "provider": provider,
            "model": model,
            "price_id": _price_id(provider, model, context, piece, unit, tier_from),
            "context": context,
            "valid_from_ns": _ns(piece.day_from),
            "valid_to_ns": _ns(piece.day_to),
            "tod_from_s": piece.tod_from_s,
            "tod_to_s": piece.tod_to_s,
            "unit": unit,
            "tier_from": tier_from,
            "tier_to": tier_to,
            "tier_rule": "whole",
            "price_usd": rounded,
            "per": per,
            "note": None if rounded == usd else f"rounded from {usd}",
        }


def _tiers(price: Decimal | TieredPrices) -> Iterator[tuple[int, int | None, Decimal]]:
    """(least input_tokens, first beyond, price). The library's tier starts above its `start`, not at it."""
    if isinstance(price, Decimal):
        yield 0, None, price
        return
    starts = [0, *(tier.start + 1 for tier in price.tiers), None]
    for (start, end), usd in zip(pairwise(starts), [price.base, *(tier.price for tier in price.tiers)], strict=True):
        assert start is not None
        yield start, end, usd


def _ns(day: date | None) -> int | None:
    return (
        None if day is None else (datetime.combine(day, time(0), tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * 10**9
    )


def _price_id(provider: str, model: str, context: str, piece: Piece, unit: str, tier_from: int) -> str:
    """provider/model/unit, then only what sets it apart: @date, +second of the day, >tokens, ?context."""
    marks = (
        f"@{piece.day_from}" if piece.day_from else "",
        f"+{piece.tod_from_s}s" if piece.tod_from_s or piece.tod_to_s < DAY_S else "",
        f">{tier_from - 1}" if tier_from else "",
        f"?{context}" if context else "",
    )
    return f"{provider}/{model}/{unit}{''.join(marks)}"


def report(records: Sequence[Record]) -> str:
    """What is in the book, what of it is not used, and every figure that was changed on the way in."""
    kinds = Counter(record["record"] for record in records)
    odd = [record for record in records if record.get("note")]
    idle = Counter(unit for record in records if (unit := record.get("unit")) and unit not in POSITION)
    asides = Counter(context for record in records if (context := record.get("context")) and context not in _SELECTED)
    lines = [f"{count} {kind} records" for kind, count in kinds.items()]
    lines += [f"{count} prices of unit {unit}: kept, nothing is charged by it yet" for unit, count in idle.items()]
    lines += [f"{count} prices for {name}: kept, no service tier names it" for name, count in asides.items()]
    lines += [f"{len(odd)} prices of more than 12 decimals, rounded half to even:"]
    lines += [f"  {each['price_id']}: {each['price_usd']} per {each['per']} ({each['note']})" for each in odd]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m ledger.books.compile OUT.parquet\n")
        return 2
    Path(arguments[0]).write_bytes(compile_book())
    sys.stderr.write(report(compile_records()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The prices of a book as arrays: which price is in force for an offer, a context, an instant, a unit and a request
size.

A card is everything an offer costs in one context while nothing changes. Cards are found for millions of calls at once
by binary search: dates and times of day are ranked, and (family, rank) is one sorted number. A family is an offer in a
context.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from ledger.books.tiers import GRADUATED, NO_END, TIER_RULES, TIERS_MAX
from ledger.books.units import POSITION, UNITS
from ledger.errors import Refused
from ledger.money import Bools, Int64s, read_decimals

NO_CARD = -1
AMBIGUOUS_CARD = -2
"""More than one card could be meant: no start time, and the price has changed."""
PRICE_PICO_MAX = 10**18
"""Highest price of a unit, a million dollars: it fits int64, and whatever costs more is a mistake."""

_ALWAYS, _NEVER = -(2**63), 2**63 - 1
DAY_S = 86_400

Family: TypeAlias = tuple[str, str, str]
"""(provider, model, context)."""
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Cards:
    """Where each card begins and ends, sorted, for binary search."""

    families: Mapping[Family, int]
    dates: Int64s
    times: Int64s
    period_keys: Int64s
    period_family: Int64s
    period_end_ns: Int64s
    card_keys: Int64s
    card_period: Int64s
    card_end_s: Int64s
    only_card: Int64s
    """By family: its card if it has one only, else AMBIGUOUS_CARD."""

    def find(self, family: Int64s, start_ns: Int64s, started: Bools) -> Int64s:
        """The card of each family in force at each instant; NO_CARD for a family of -1 or where none is in force."""
        keys = family * len(self.dates) + np.searchsorted(self.dates, start_ns, "right") - 1
        period = np.maximum(np.searchsorted(self.period_keys, keys, "right") - 1, 0)
        in_force = (family >= 0) & (self.period_family[period] == family)
        in_force &= (self.period_keys[period] <= keys) & (start_ns < self.period_end_ns[period])
        second = (start_ns // 10**9) % DAY_S
        keys = period * len(self.times) + np.searchsorted(self.times, second, "right") - 1
        card = np.maximum(np.searchsorted(self.card_keys, keys, "right") - 1, 0)
        in_force &= (
            (self.card_period[card] == period) & (self.card_keys[card] <= keys) & (second < self.card_end_s[card])
        )
        timeless = np.where(family >= 0, self.only_card[family], NO_CARD)
        return np.where(started, np.where(in_force, card, NO_CARD), timeless)


@dataclass(frozen=True)
class Rates:
    """Cards, and by (card, unit, tier) the price. Card -1, the last, is the empty one: it prices nothing."""

    cards: Cards
    price: Int64s
    """(card, unit, tier) -> position of the price in the book's rows, -1 for none. Graduated ones stand as their first:
    `next_price` leads on."""
    tier_from: Int64s
    """(card, unit, tier) -> least input_tokens of the request."""
    priced_apart: Bools
    """(card, unit) -> the unit has a price of its own."""
    whole_pico: Int64s
    rest_pico: Int64s
    per: Int64s
    """By price: pico-dollars of one unit are whole + rest / per."""
    graduated_end: Int64s
    """By price: the first of a line's units that a graduated price is not for, NO_END where there is none."""
    next_price: Int64s
    """By price: position of the one from `graduated_end` on."""
    alike: Mapping[tuple[str, str], Any]
    """(provider, model) -> what two offers at the same ordinary prices have in common."""

    @property
    def is_graduated(self) -> bool:
        """Whether it has a graduated price."""
        return bool((self.graduated_end != NO_END).any())

    def tiered(self, card: Int64s, unit: Int64s) -> Bools:
        """Whether the price of each (card, unit) depends on the size of the request."""
        return np.asarray((self.price[card, unit, 1:] >= 0).any(axis=1))

    def prices_of(self, card: Int64s, unit: Int64s, input_tokens: Int64s) -> Int64s:
        """Position of the price of each (card, unit) for a request of `input_tokens`; -1 where there is none."""
        chosen: Int64s = self.price[card, unit, 0]
        for tier in range(1, self.price.shape[2]):
            reached = input_tokens >= self.tier_from[card, unit, tier]
            if reached.any():
                chosen = np.where(reached, self.price[card, unit, tier], chosen)
        return chosen


def rates_of(prices: pa.Table) -> Rates:
    """Rates of the `price` records of a book. Raises Refused where two prices could hold at once."""
    rows: list[Row] = prices.to_pylist()
    groups = _groups(rows)
    cards = _cards(groups)
    whole, rest, per = _integers(prices)
    by_unit = [_tiers_by_unit(card, rows) for _, card in sorted(groups.items())]
    price, tier_from, own = _matrix(by_unit, rows)
    ends, following = _graduated(by_unit, rows)
    return Rates(cards, price, tier_from, own, whole, rest, per, ends, following, _alike(groups, rows))


_CardKey: TypeAlias = tuple[Family, int, int, int, int]
"""(family, first instant, end, first second of the day, end second)."""


def _groups(rows: Sequence[Row]) -> dict[_CardKey, list[int]]:
    groups: dict[_CardKey, list[int]] = {}
    for position, row in enumerate(rows):
        family = (row["provider"], row["model"], row["context"])
        start = _ALWAYS if row["valid_from_ns"] is None else row["valid_from_ns"]
        end = _NEVER if row["valid_to_ns"] is None else row["valid_to_ns"]
        groups.setdefault((family, start, end, row["tod_from_s"], row["tod_to_s"]), []).append(position)
    return groups


def _cards(groups: Mapping[_CardKey, list[int]]) -> Cards:
    keys = sorted(groups)
    families = {family: n for n, family in enumerate(dict.fromkeys(key[0] for key in keys))}
    periods = list(dict.fromkeys(key[:3] for key in keys))
    period_of = {period: n for n, period in enumerate(periods)}
    _refuse_overlap(keys, periods)
    dates = np.array(sorted({_ALWAYS, *(start for _, start, _ in periods)}), np.int64)
    times = np.array(sorted({0, *(key[3] for key in keys)}), np.int64)
    cards_of = np.bincount([families[key[0]] for key in keys], minlength=len(families) + 1)
    first = np.searchsorted([families[key[0]] for key in keys], np.arange(len(families) + 1))
    return Cards(
        families=families,
        dates=dates,
        times=times,
        period_keys=_ints(families[f] * len(dates) + np.searchsorted(dates, start) for f, start, _ in periods),
        period_family=_ints(families[family] for family, _, _ in periods),
        period_end_ns=_ints(end for _, _, end in periods),
        card_keys=_ints(period_of[key[:3]] * len(times) + np.searchsorted(times, key[3]) for key in keys),
        card_period=_ints(period_of[key[:3]] for key in keys),
        card_end_s=_ints(key[4] for key in keys),
        only_card=np.where(cards_of == 1, first, AMBIGUOUS_CARD),
    )


def _ints(values: Iterator[int] | Any) -> Int64s:
    return np.array(list(values), np.int64)


def _refuse_overlap(keys: Sequence[_CardKey], periods: Sequence[tuple[Family, int, int]]) -> None:
    for (family, _, end), (other, start, _) in pairwise(periods):
        if family == other and start < end:
            raise Refused(f"price book: prices of {'/'.join(family)} valid until {end} ns and from {start} ns overlap")
    for one, two in pairwise(keys):
        if one[:3] == two[:3] and two[3] < one[4]:
            raise Refused(f"price book: prices of {'/'.join(one[0])} until second {one[4]} and from {two[3]} overlap")


def _integers(prices: pa.Table) -> tuple[Int64s, Int64s, Int64s]:
    amounts, _ = read_decimals(prices["price_usd"])
    per = prices["per"].to_numpy()
    pico = [amounts[i] for i in range(len(amounts))]
    worst = next(
        (i for i, value in enumerate(pico) if per[i] < 1 or not 0 <= value <= PRICE_PICO_MAX * int(per[i])), None
    )
    if worst is not None:
        name, usd = prices["price_id"][worst].as_py(), prices["price_usd"][worst].as_py()
        raise Refused(f"price book: {name} costs {usd} USD per {per[worst]}: 0 to 10^6 USD a unit can be booked")
    pairs = [divmod(value, int(unit)) for value, unit in zip(pico, per, strict=True)]
    return _ints(whole for whole, _ in pairs), _ints(rest for _, rest in pairs), per


_TiersByUnit: TypeAlias = Mapping[str, Sequence[int]]
"""Unit -> positions of its prices on one card, rising."""


def _matrix(by_unit: Sequence[_TiersByUnit], rows: Sequence[Row]) -> tuple[Int64s, Int64s, Bools]:
    tiers = max((len(each) for card in by_unit for each in card.values()), default=1)
    price = np.full((len(by_unit) + 1, len(UNITS), tiers), -1, np.int64)
    tier_from = np.full(price.shape, _NEVER, np.int64)
    own = np.zeros(price.shape[:2], np.bool_)
    for card, tiers_of in enumerate(by_unit):
        for unit, source, is_own in _sources(frozenset(tiers_of)):
            own[card, unit] = is_own
            chosen_from = tiers_of[source][:1] if _is_graduated(rows[tiers_of[source][0]]) else tiers_of[source]
            for tier, position in enumerate(chosen_from):
                price[card, unit, tier], tier_from[card, unit, tier] = position, rows[position]["tier_from"]
    return price, tier_from, own


def _is_graduated(row: Row) -> bool:
    return bool(row["tier_rule"] == GRADUATED)


def _graduated(by_unit: Sequence[_TiersByUnit], rows: Sequence[Row]) -> tuple[Int64s, Int64s]:
    """Rates.graduated_end and next_price."""
    ends, following = np.full(len(rows), NO_END, np.int64), np.full(len(rows), -1, np.int64)
    for tiers in (each for card in by_unit for each in card.values() if _is_graduated(rows[each[0]])):
        for one, two in pairwise(tiers):
            ends[one], following[one] = rows[two]["tier_from"], two
    return ends, following


@lru_cache(maxsize=1024)
def _sources(priced: frozenset[str]) -> list[tuple[int, str, bool]]:
    """Where the units `priced` have prices: each unit (its position) that has one then, whose price that is, and
    whether it is its own. Cards have few such sets."""
    found = []
    for unit in UNITS:
        source = next((name for name in (*unit.own, *unit.else_as) if name in priced), None)
        if source is not None:
            found.append((POSITION[unit.name], source, source in unit.own))
    return found


def _tiers_by_unit(card: Sequence[int], rows: Sequence[Row]) -> dict[str, list[int]]:
    units: dict[str, list[int]] = {}
    for position in sorted(card, key=lambda each: (rows[each]["unit"], rows[each]["tier_from"])):
        units.setdefault(rows[position]["unit"], []).append(position)
    for tiers in units.values():
        _refuse_broken_tiers([rows[position] for position in tiers])
    return units


def _refuse_broken_tiers(tiers: Sequence[Row]) -> None:
    if len(tiers) > TIERS_MAX:
        raise Refused(f"price book: {tiers[0]['price_id']}: one of {len(tiers)} tiers, at most {TIERS_MAX} are read")
    ends = [0, *(row["tier_to"] for row in tiers)]
    for row, end in zip(tiers, ends, strict=False):
        if row["tier_rule"] not in TIER_RULES:
            known = " and ".join(TIER_RULES)
            raise Refused(f"price book: {row['price_id']}: tier rule {row['tier_rule']!r} is not known: {known} are")
        if row["tier_rule"] != tiers[0]["tier_rule"]:
            raise Refused(f"price book: {row['price_id']}: tiers of one unit go by two rules: give all the same")
        if row["tier_from"] != end:
            raise Refused(
                f"price book: {row['price_id']}: tier starts at {row['tier_from']}, the one below ends at {end}"
            )
    if ends[-1] is not None:
        raise Refused(f"price book: {tiers[-1]['price_id']}: no price from {ends[-1]} on")


def _alike(groups: Mapping[_CardKey, list[int]], rows: Sequence[Row]) -> dict[tuple[str, str], Any]:
    alike: dict[tuple[str, str], tuple[Any, ...]] = {}
    for (family, *when), positions in sorted(groups.items()):
        if not family[2]:
            costs = sorted(
                tuple(rows[each][name] for name in ("unit", "tier_from", "tier_rule", "price_usd", "per"))
                for each in positions
            )
            alike[family[:2]] = (*alike.get(family[:2], ()), (*when, *costs))
    return alike

"""Which override holds for each unit of each call, and what lines cost by it. Vectors throughout: a discount is in
force for every call."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.book import PriceBook
from ledger.books.distinct import distinct, pairs
from ledger.books.override import Overrides, Rule
from ledger.books.tiers import NO_END
from ledger.books.units import POSITION, UNITS
from ledger.money import SMALL_MAX, Amounts, Bools, Int64s, product, round_half_even, to_pico

NO_RULE = -1
PER_SMALL_MAX = 2**40
"""Larger divisors, and prices above SMALL_MAX, are computed with Python's integers."""


@dataclass(frozen=True)
class Chosen:
    """`rule`: by (call, unit), position in `overrides.ranked`, NO_RULE for none: of several steps the first.

    What is by step has one more at its end, that of NO_RULE."""

    overrides: Overrides
    rule: Int64s

    @property
    def is_fixed(self) -> Bools:
        """By step."""
        return np.array([*(step.is_fixed for step in self.overrides.ranked), False], np.bool_)

    @property
    def whole_end(self) -> Int64s:
        """By step: the first `input_tokens` of a request that it is not for; the next step is."""
        return np.array([*(step.whole_end for step in self.overrides.ranked), NO_END], np.int64)

    @property
    def graduated_end(self) -> Int64s:
        """By step: the first of a line's parts that it is not for; the next step is."""
        return np.array([*(step.graduated_end for step in self.overrides.ranked), NO_END], np.int64)

    @property
    def is_graduated(self) -> bool:
        """Whether there is a graduated override."""
        return bool((self.graduated_end != NO_END).any())

    def reached(self, rule: Int64s, input_tokens: Int64s) -> Int64s:
        """The steps for requests of `input_tokens` by lines whose first steps are `rule`."""
        ends = self.whole_end
        while (beyond := input_tokens >= ends[rule]).any():
            rule = np.where(beyond, rule + 1, rule)
        return rule

    def priced_apart(self, by_book: Bools) -> Bools:
        """(call, unit) that have a price of their own, by the book or by an override."""
        return by_book | self.is_fixed[self.rule] if self.overrides.rules else by_book


def chosen(views: pa.Table, book: PriceBook, overrides: Overrides) -> Chosen:
    """The rule for each unit of each of `views` (charge.VIEWS)."""
    shape = (len(views), len(UNITS))
    rule = np.full(shape, NO_RULE, np.int64) if overrides.rules else np.broadcast_to(np.int64(NO_RULE), shape)
    if overrides.rules:
        models, tools = _models(views, book), _tools(views, overrides)
        start_ns = views["start_ns"].fill_null(0).to_numpy()
        for position, one in enumerate(overrides.ranked):
            if one.tier_from:
                continue
            named = models(one) if one.tool is None else tools(one)
            _choose(rule, position, one, named & _in_force(one, start_ns))
    return Chosen(overrides, rule)


Named = Callable[[Rule], Bools]
"""Of which calls the names are those of a rule."""


def _models(views: pa.Table, book: PriceBook) -> Named:
    codes, names = distinct(views, ("provider", "request_model", "response_model"))
    models = pc.fill_null(pc.not_equal(views["operation"], "tool"), True).to_numpy()
    return lambda rule: np.array([_is_for(rule, book, *each) for each in names], np.bool_)[codes] & models


def _tools(views: pa.Table, overrides: Overrides) -> Named:
    """Looks at nothing where no rule is for a tool. A tool without a name is no tool that a rule is for."""
    if not any(rule.tool is not None for rule in overrides.rules):
        return lambda _rule: np.zeros(len(views), np.bool_)
    codes, names = distinct(views, ("operation", "tool_name"))
    tools = [(name or "").strip().lower() if operation == "tool" else "" for operation, name in names]
    return lambda rule: np.array([name != "" and rule.matches_tool(name) for name in tools], np.bool_)[codes]


def _choose(rule: Int64s, position: int, one: Rule, calls: Bools) -> None:
    if one.unit is None:
        rule[calls] = position
    else:
        rule[calls, POSITION[one.unit]] = position


def _in_force(rule: Rule, start_ns: Int64s) -> Bools:
    begun = True if rule.valid_from_ns is None else start_ns >= rule.valid_from_ns
    return np.asarray(begun & (True if rule.valid_to_ns is None else start_ns < rule.valid_to_ns), np.bool_)


def _is_for(rule: Rule, book: PriceBook, provider: str | None, request: str | None, response: str | None) -> bool:
    """By the model that answered, else the one asked for, or by the book's name for it; a provider by any of its
    names, or, where the call names none, as the one whose price is taken."""
    offer = book.matcher.find(provider, request, response).offer
    models = {(response or request or "").strip().lower(), offer.model.lower() if offer else ""}
    if not any(rule.matches_model(model) for model in models - {""}):
        return False
    if rule.provider is None:
        return True
    stated = (provider or "").strip().lower()
    known, wanted = book.matcher.provider(stated), book.matcher.provider(rule.provider)
    by_price = offer.provider if offer and known is None else None
    return rule.provider in (stated, by_price) or (wanted is not None and wanted.id in (known and known.id, by_price))


def costs(chosen: Chosen, rule: Int64s, quantity: Int64s, price: Int64s, book: PriceBook, listed: Amounts) -> Amounts:
    """Costs by line: `listed`, but by their rules for those of which `rule` is not NO_RULE. `price`: position of each
    line's price in the book, -1 where it has none and its rule is fixed."""
    lines = np.flatnonzero(rule != NO_RULE)
    if not len(lines):
        return listed
    ways, which = pairs(rule[lines], price[lines])
    fractions = [_fraction(chosen.overrides.ranked[one], at, book) for one, at in ways]
    plain = np.array([n // d <= SMALL_MAX and d <= PER_SMALL_MAX for n, d in fractions], np.bool_)
    parts = [(*divmod(n, d), d) if is_plain else (0, 0, 1) for (n, d), is_plain in zip(fractions, plain, strict=True)]
    whole, rest, per = (np.array(column, np.int64)[which] for column in zip(*parts, strict=True))
    found = product(quantity[lines], whole, rest, per)
    small, wide = listed.small.copy(), {at: value for at, value in listed.wide.items() if rule[at] == NO_RULE}
    small[lines] = found.small
    wide |= {int(lines[at]): value for at, value in found.wide.items()}
    for at in np.flatnonzero(~plain[which]):
        numerator, denominator = fractions[int(which[at])]
        wide[int(lines[at])] = round_half_even(int(quantity[lines[at]]) * numerator, denominator)
        small[lines[at]] = 0
    return Amounts(small, wide)


def _fraction(rule: Rule, price: int, book: PriceBook) -> tuple[int, int]:
    """Pico-dollars of one unit, or of one part of it (units.PARTS), as a fraction in lowest terms."""
    if rule.price_usd is not None:
        numerator, denominator = to_pico(rule.price_usd), rule.per_parts
    else:
        assert rule.multiply is not None
        rates, (factor, of) = book.rates, Decimal(rule.multiply).as_integer_ratio()
        per = int(rates.per[price])
        numerator = (int(rates.whole_pico[price]) * per + int(rates.rest_pico[price])) * factor
        denominator = per * of
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common

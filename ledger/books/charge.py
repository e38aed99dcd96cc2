"""Prices calls: from the views that bill and a price book, the money lines. A pure function of the two.

Each line is rounded once, half to even at 12 decimals. What has no price keeps its quantity and has neither price nor
cost: unknown is never 0. Where a reported cost is preferred, one more line makes the call's sum that figure. See
docs/adr/0009-price-book-is-an-event.md and 0010-unit-prices-and-remarks.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from ledger.books import reason, units
from ledger.books.book import PriceBook
from ledger.books.match import Found
from ledger.books.quantity import Usage, among, usage_of
from ledger.books.rates import AMBIGUOUS_CARD, NO_CARD
from ledger.books.reason import Reason
from ledger.books.reported import PREFERENCES, UNLISTED, Preference
from ledger.books.units import POSITION
from ledger.money import Amounts, Bools, Int64s, decimals, product, read_decimals
from ledger.schema import ARROW, MONEY, QUANTITY, TEXT

VIEWS = pa.schema(
    [("row", pa.int64())]
    + [
        (name, ARROW["spans"].field(name).type)
        for name in (
            *("operation", "provider", "request_model", "response_model", "service_tier", "start_ns"),
            *units.COUNT_COLUMNS,
            *("usage_status", "reported_cost_usd", "reported_source"),
        )
    ]
)
"""What pricing reads of a view."""

LINES = pa.schema(
    [
        ("row", pa.int64()),
        ("unit", TEXT),
        ("quantity", QUANTITY),
        ("unit_price_usd", MONEY),
        ("per", pa.int64()),
        ("list_cost_usd", MONEY),
        ("cost_usd", MONEY),
        ("basis", TEXT),
        ("status", TEXT),
        ("reason", TEXT),
        ("price_book_id", TEXT),
        ("price_id", TEXT),
    ]
)

CALLS_PER_STEP = 32_768
"""Calls priced at a time: the working arrays (some 10 MB) then stay near the processor's cache."""

_UNIT_NAMES = pa.array([unit.name for unit in units.UNITS], TEXT)
_REPORTED, _UNKNOWN = POSITION[units.REPORTED], POSITION[units.UNKNOWN]
_QUANTITY_SCALE = 10**6


def price(views: pa.Table, book: PriceBook, preferences: Mapping[str, Preference] = PREFERENCES) -> pa.Table:
    """Money lines (LINES) of `views`, by row and then in the order of units.UNITS.

    views: at least VIEWS, one row a call that bills, `row` unique. Operations other than those of models and `tool`
    have no lines. Without usage: one line `unknown`, or none if the call failed.
    """
    views = views.select(VIEWS.names).cast(VIEWS)
    views = views if _ascending(views["row"]) else views.sort_by("row")
    starts = range(0, len(views), CALLS_PER_STEP)
    steps = [_price_step(views.slice(start, CALLS_PER_STEP).combine_chunks(), book, preferences) for start in starts]
    return pa.concat_tables(steps) if steps else LINES.empty_table()


def _ascending(rows: pa.ChunkedArray) -> bool:
    numbers = rows.to_numpy()
    return bool((numbers[1:] > numbers[:-1]).all())


def _price_step(views: pa.Table, book: PriceBook, preferences: Mapping[str, Preference]) -> pa.Table:
    card, remark = _cards(views, book)
    usage = usage_of(views, book.rates.priced_apart[np.maximum(card, NO_CARD)])
    report = _report(views, usage, preferences)
    usage.line[:, _REPORTED] = report.level > Preference.NEVER
    lines = _priced(usage, book, card, remark)
    lines = lines.keep(~_needless(lines, report))
    _add_remarks(lines, views, book, usage)
    return _table(lines, views, book, report)


def _cards(views: pa.Table, book: PriceBook) -> tuple[Int64s, Int64s]:
    """By call: its card (NO_CARD, AMBIGUOUS_CARD), and the remarks that hold for all its lines."""
    ordinary, special, remark = _families(views, book)
    start = views["start_ns"]
    started, start_ns = start.is_valid().to_numpy(), start.fill_null(0).to_numpy()
    card = book.rates.cards.find(ordinary, start_ns, started)
    card = np.where(ordinary == AMBIGUOUS_CARD, AMBIGUOUS_CARD, card)
    remark = remark | ((card == NO_CARD) & (ordinary >= 0)) * np.int64(Reason.NOT_IN_FORCE)
    wanted = np.flatnonzero(special != _ORDINARY)
    if len(wanted):
        special_card = book.rates.cards.find(special[wanted], start_ns[wanted], started[wanted])
        card[wanted] = np.where(special_card == NO_CARD, card[wanted], special_card)
        remark[wanted] |= (special_card == NO_CARD) * np.int64(Reason.NO_TIER_PRICE)
    remark |= ((card == AMBIGUOUS_CARD) & (ordinary >= 0)) * np.int64(Reason.NO_START)
    return card, remark


_ORDINARY = -2
"""No special context is asked for."""


def _families(views: pa.Table, book: PriceBook) -> tuple[Int64s, Int64s, Int64s]:
    """By call: the family of ordinary prices, that of its service tier, and remarks. Worked out once a set of names."""
    codes, names = _distinct(views, ("provider", "request_model", "response_model", "service_tier"))
    found = [_family(book, *each) for each in names]
    table = np.array(found, np.int64).reshape(-1, 3)
    return table[codes, 0], table[codes, 1], table[codes, 2]


def _family(
    book: PriceBook, provider: str | None, request: str | None, response: str | None, tier: str | None
) -> tuple[int, int, int]:
    found: Found = book.matcher.find(provider, request, response)
    if found.offer is None:
        return (AMBIGUOUS_CARD if found.ambiguous else NO_CARD), _ORDINARY, int(found.reason)
    families = book.rates.cards.families
    offer, tier = found.offer, (tier or "").lower().strip()
    ordinary = families.get((offer.provider, offer.model, ""), NO_CARD)
    if ordinary == NO_CARD:
        return NO_CARD, _ORDINARY, int(found.reason | Reason.NO_UNIT_PRICE)
    if tier in units.STANDARD_TIERS:
        return ordinary, _ORDINARY, int(found.reason)
    context = units.TIER_CONTEXTS.get(tier, tier) if offer.own else ""
    return (
        ordinary,
        families.get((offer.provider, offer.model, context), NO_CARD) if context else NO_CARD,
        int(found.reason),
    )


def _distinct(views: pa.Table, columns: tuple[str, ...]) -> tuple[Int64s, list[tuple[Any, ...]]]:
    """A number by row for its values in `columns`, and the values by number."""
    combined = np.zeros(len(views), np.int64)
    values: list[list[Any]] = []
    for column in columns:
        encoded = _array(views[column]).dictionary_encode(null_encoding="encode")
        values.append(encoded.dictionary.to_pylist())
        # At most 32,768 values a column, four columns: the number stays below 2^60.
        combined = combined * len(encoded.dictionary) + encoded.indices.to_numpy()
    distinct, codes = np.unique(combined, return_inverse=True)
    places = np.unravel_index(distinct, [len(each) for each in values]) if len(distinct) else ()
    return codes, [tuple(each[i] for each, i in zip(values, at, strict=True)) for at in zip(*places, strict=True)]


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


@dataclass(frozen=True)
class _Report:
    """Costs that the telemetry states, by call: pico-dollars, what the figure is good for, and a code of its source."""

    pico: Amounts
    level: Int64s
    source: Int64s
    sources: list[str]


def _report(views: pa.Table, usage: Usage, preferences: Mapping[str, Preference]) -> _Report:
    amounts, known = read_decimals(views["reported_cost_usd"])
    codes, names = _distinct(views, ("reported_source",))
    levels = np.array([preferences.get(name or "", UNLISTED) for (name,) in names], np.int64)
    positive = amounts.small > 0
    for position, value in amounts.wide.items():
        positive[position] = value > 0
    usable = known & positive & (usage.is_model | usage.is_tool)
    level = np.where(usable, levels[codes], Preference.NEVER)
    return _Report(amounts, level, codes, [f"reported: {name or 'source not named'}" for (name,) in names])


@dataclass(frozen=True)
class _Lines:
    """The lines of one step as parallel arrays, by call and unit. `price`: position in the book, -1 for none."""

    call: Int64s
    unit: Int64s
    quantity: Int64s
    card: Int64s
    price: Int64s
    remark: Int64s

    def keep(self, wanted: Bools) -> "_Lines":
        return self if wanted.all() else _Lines(*(getattr(self, each.name)[wanted] for each in fields(self)))


def _priced(usage: Usage, book: PriceBook, card: Int64s, remark: Int64s) -> _Lines:
    call, unit = np.nonzero(usage.line)
    price = book.rates.prices_of(np.maximum(card[call], NO_CARD), unit, usage.input_tokens[call])
    return _Lines(call, unit, usage.quantity[call, unit], card[call], price, remark[call])


def _needless(lines: _Lines, report: _Report) -> Bools:
    """Reports that count only where no unit of the call has a price, of calls where one has."""
    has_price = np.zeros(len(report.level), np.bool_)
    has_price[lines.call[lines.price >= 0]] = True
    needless = has_price & (report.level == Preference.WHERE_NO_PRICE)
    return np.asarray((lines.unit == _REPORTED) & needless[lines.call])


def _add_remarks(lines: _Lines, views: pa.Table, book: PriceBook, usage: Usage) -> None:
    rates, card, priced = book.rates, np.maximum(lines.card, NO_CARD), lines.price >= 0
    counted = lines.unit < _REPORTED
    lines.remark[~counted] = 0
    sized = views["input_tokens"].is_valid().to_numpy()[lines.call]
    remarks = [
        (counted & (lines.card >= 0) & ~priced, Reason.NO_UNIT_PRICE),
        (priced & ~rates.priced_apart[card, lines.unit], Reason.PRICE_OF_WHOLE),
        (priced & ~sized & rates.tiered(card, lines.unit), Reason.SIZE_UNKNOWN),
    ]
    remarks += [((lines.unit == POSITION[unit]) & of[lines.call], why) for of, unit, why in usage.remarks if of.any()]
    for marked, why in remarks:
        lines.remark[marked] |= int(why)


def _table(lines: _Lines, views: pa.Table, book: PriceBook, report: _Report) -> pa.Table:
    priced, reported, unknown = lines.price >= 0, lines.unit == _REPORTED, lines.unit == _UNKNOWN
    computed = _computed(lines, book)
    cost = _with_differences(computed, lines, report)
    ambiguous = (lines.card == AMBIGUOUS_CARD) & ~unknown
    estimated = among(views["usage_status"], ("estimated",))[lines.call]
    price = pa.array(lines.price, mask=~priced)
    known = priced | reported
    return pa.Table.from_arrays(
        [
            pa.array(views["row"].to_numpy()[lines.call]),
            _UNIT_NAMES.take(pa.array(lines.unit)),
            decimals(_scaled(np.where(reported, 1, lines.quantity)), ~unknown, QUANTITY),
            book.column("price_usd").take(price),
            book.column("per").take(price),
            decimals(computed, known, MONEY),
            decimals(cost, known, MONEY),
            _BASES.take(pa.array(np.where(reported, 1, 2 * estimated))),
            _STATUSES.take(pa.array(np.where(known, 0, 1 + ambiguous))),
            _reasons(lines, report, reported),
            pa.repeat(pa.scalar(book.book_id, TEXT), len(priced)),
            book.column("price_id").take(price),
        ],
        schema=LINES,
    )


_BASES = pa.array(["computed", "reported", "estimated"], TEXT)
_STATUSES = pa.array(["priced", "unpriced", "ambiguous"], TEXT)


def _computed(lines: _Lines, book: PriceBook) -> Amounts:
    rates, at = book.rates, np.maximum(lines.price, 0)
    quantity = np.where(lines.price >= 0, lines.quantity, 0)
    return product(quantity, rates.whole_pico[at], rates.rest_pico[at], rates.per[at])


def _with_differences(computed: Amounts, lines: _Lines, report: _Report) -> Amounts:
    """Costs by line, that of a report being what it adds to the rest of its call."""
    places = np.flatnonzero(lines.unit == _REPORTED)
    if not len(places):
        return computed
    sums = np.zeros(len(report.level), np.int64)
    np.add.at(sums, lines.call, computed.small)
    small = computed.small.copy()
    calls = lines.call[places]
    small[places] = report.pico.small[calls] - sums[calls]
    wide = dict(computed.wide)
    for place in places[np.isin(calls, _wide_calls(computed, lines, report))]:
        call = int(lines.call[place])
        mates = np.flatnonzero(lines.call == call)
        wide[int(place)] = report.pico[call] - sum(computed[int(mate)] for mate in mates)
        small[place] = 0
    return Amounts(small, wide)


def _wide_calls(computed: Amounts, lines: _Lines, report: _Report) -> list[int]:
    """Calls with an amount that int64 does not hold."""
    return [*report.pico.wide, *(int(lines.call[position]) for position in computed.wide)]


def _scaled(quantity: Int64s) -> Amounts:
    ones = np.ones(len(quantity), np.int64)
    return product(quantity, ones * _QUANTITY_SCALE, ones * 0, ones)


def _reasons(lines: _Lines, report: _Report, reported: Bools) -> pa.Array:
    codes, words = reason.worded(lines.remark)
    codes = np.where(reported, len(words) + report.source[lines.call], codes)
    return pa.array([*words, *report.sources], TEXT).take(pa.array(codes))

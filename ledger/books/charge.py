"""Prices calls: from the views that bill and a price book, the money lines. A pure function of the two.

Each line is rounded once, half to even at 12 decimals. What has no price keeps its quantity and has neither price nor
cost: unknown is never 0. Where a reported cost is preferred, one more line makes the call's sum that figure. See
docs/adr/0009-a-price-book-is-compiled-not-called.md and docs/adr/0010-units-never-overlap.md.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books import reason, units
from ledger.books.book import PriceBook
from ledger.books.choose import cards_of
from ledger.books.distinct import pairs
from ledger.books.lines import Lines, parted
from ledger.books.overridden import NO_RULE, Chosen, chosen, costs
from ledger.books.override import NONE, Overrides
from ledger.books.quantity import Usage, among, usage_of
from ledger.books.rates import AMBIGUOUS_CARD, NO_CARD
from ledger.books.reason import Reason
from ledger.books.reported import PREFERENCES, Preference, Report, report_of
from ledger.books.tiers import NO_END
from ledger.books.units import POSITION
from ledger.money import Amounts, Bools, Int64s, decimals, product
from ledger.schema import ARROW, MONEY, QUANTITY, TEXT

VIEWS = pa.schema(
    [("row", pa.int64())]
    + [
        (name, ARROW["spans"].field(name).type)
        for name in (
            *("operation", "provider", "request_model", "response_model", "service_tier", "tool_name", "start_ns"),
            *units.COUNT_COLUMNS,
            *("usage_status", "reported_cost_usd", "reported_source"),
        )
    ]
    + [("duration_ns", pa.int64())]
)
"""What pricing reads of a view. `duration_ns`: from start to end, NULL where one of them was not sent."""

LINES = pa.schema(
    [
        ("row", pa.int64()),
        ("unit", TEXT),
        ("quantity", QUANTITY),
        ("parts", pa.int64()),
        ("unit_price_usd", MONEY),
        ("per", pa.int64()),
        ("list_cost_usd", MONEY),
        ("cost_usd", MONEY),
        ("basis", TEXT),
        ("status", TEXT),
        ("reason", TEXT),
        ("price_book_id", TEXT),
        ("price_id", TEXT),
        ("override_id", TEXT),
    ]
)

"""Money lines. `parts`: the quantity in the whole parts of its unit (units.PARTS)."""

CALLS_PER_STEP = 32_768
"""Calls priced at a time: the working arrays (some 10 MB) then stay near the processor's cache."""

_UNIT_NAMES = pa.array([unit.name for unit in units.UNITS], TEXT)
_REPORTED, _UNKNOWN = POSITION[units.REPORTED], POSITION[units.UNKNOWN]
_QUANTITY_SCALE = 10**QUANTITY.scale
_SCALES = np.array([_QUANTITY_SCALE // units.PARTS.get(unit.name, 1) for unit in units.UNITS], np.int64)
"""By unit: what its whole parts are in the last decimal of QUANTITY."""


def price(
    views: pa.Table,
    book: PriceBook,
    preferences: Mapping[str, Preference] = PREFERENCES,
    overrides: Overrides = NONE,
) -> pa.Table:
    """Money lines (LINES) of `views`, by row and then in the order of units.UNITS.

    views: at least VIEWS, one row a call that bills, `row` unique. Operations other than those of models and `tool`
    have no lines. Without usage: one line `unknown`, or none if the call failed.
    """
    views = views.select(VIEWS.names).cast(VIEWS)
    views = views if _ascending(views["row"]) else views.sort_by("row")
    starts = range(0, len(views), CALLS_PER_STEP)
    parts = (views.slice(start, CALLS_PER_STEP).combine_chunks() for start in starts)
    steps = [_price_step(part, book, preferences, overrides) for part in parts]
    return pa.concat_tables(steps) if steps else LINES.empty_table()


def _ascending(rows: pa.ChunkedArray) -> bool:
    numbers = rows.to_numpy()
    return bool((numbers[1:] > numbers[:-1]).all())


def _price_step(
    views: pa.Table, book: PriceBook, preferences: Mapping[str, Preference], overrides: Overrides
) -> pa.Table:
    card, remark = cards_of(views, book)
    tools = among(views["operation"], ("tool",))
    if tools.any():
        card[tools], remark[tools] = NO_CARD, 0  # whatever model a tool names, its fee is no model's
    ruled = chosen(views, book, overrides)
    usage = usage_of(views, ruled.priced_apart(book.rates.priced_apart[np.maximum(card, NO_CARD)]))
    report = report_of(views, usage.is_model | usage.is_tool, preferences)
    usage.line[:, _REPORTED] = report.level > Preference.NEVER
    lines = _priced(usage, book, card, remark, ruled)
    lines = parted(lines.keep(~_needless(lines, report)), book.rates, ruled)
    _add_remarks(lines, views, book, usage, ruled)
    return _table(lines, views, book, report, ruled)


def _priced(usage: Usage, book: PriceBook, card: Int64s, remark: Int64s, ruled: Chosen) -> Lines:
    call, unit = np.nonzero(usage.line)
    price = book.rates.prices_of(np.maximum(card[call], NO_CARD), unit, usage.input_tokens[call])
    rule = ruled.reached(ruled.rule[call, unit], usage.input_tokens[call])
    fixed = ruled.is_fixed[rule] & (unit < _REPORTED)
    rule = np.where(fixed | (price >= 0), rule, NO_RULE)
    costed = fixed | (price >= 0)
    return Lines(call, unit, usage.quantity[call, unit], card[call], price, remark[call], rule, costed)


def _needless(lines: Lines, report: Report) -> Bools:
    """Reports that count only where no unit of the call has a price, of calls where one has."""
    has_price = np.zeros(len(report.level), np.bool_)
    has_price[lines.call[lines.costed]] = True
    needless = has_price & (report.level == Preference.WHERE_NO_PRICE)
    return np.asarray((lines.unit == _REPORTED) & needless[lines.call])


def _add_remarks(lines: Lines, views: pa.Table, book: PriceBook, usage: Usage, ruled: Chosen) -> None:
    rates, card, priced = book.rates, np.maximum(lines.card, NO_CARD), lines.price >= 0
    counted = lines.unit < _REPORTED
    lines.remark[~counted] = 0
    sized = views["input_tokens"].is_valid().to_numpy()[lines.call]
    remarks = [
        (counted & (lines.card >= 0) & ~priced, Reason.NO_UNIT_PRICE),
        (priced & ~rates.priced_apart[card, lines.unit], Reason.PRICE_OF_WHOLE),
        (priced & ~sized & rates.tiered(card, lines.unit), Reason.SIZE_UNKNOWN),
        (~sized & (ruled.whole_end[lines.rule] != NO_END), Reason.SIZE_UNKNOWN),
    ]
    remarks += [((lines.unit == POSITION[unit]) & of[lines.call], why) for of, unit, why in usage.remarks if of.any()]
    for marked, why in remarks:
        lines.remark[marked] |= int(why)


def _table(lines: Lines, views: pa.Table, book: PriceBook, report: Report, ruled: Chosen) -> pa.Table:
    priced, reported, unknown = lines.price >= 0, lines.unit == _REPORTED, lines.unit == _UNKNOWN
    listed = _listed(lines, book)
    computed = costs(ruled, lines.rule, lines.quantity, lines.price, book, listed)
    cost = _with_differences(computed, lines, report)
    own = lines.costed & ~priced  # what the book has no price for is listed at the override's
    ambiguous = (lines.card == AMBIGUOUS_CARD) & ~unknown
    estimated = among(views["usage_status"], ("estimated",))[lines.call]
    price = pa.array(lines.price, mask=~priced)
    known = lines.costed | reported
    quantity = np.where(reported, 1, lines.quantity)
    return pa.Table.from_arrays(
        [
            pa.array(views["row"].to_numpy()[lines.call]),
            _UNIT_NAMES.take(pa.array(lines.unit)),
            decimals(_scaled(quantity, lines.unit), ~unknown, QUANTITY),
            pa.array(quantity, mask=unknown),
            _or_own(book.column("price_usd").take(price), lines, own, ruled, "price_usd"),
            _or_own(book.column("per").take(price), lines, own, ruled, "per"),
            decimals(_merged(listed, computed, own), known, MONEY),
            decimals(cost, known, MONEY),
            _BASES.take(pa.array(np.where(reported, 1, 2 * estimated))),
            _STATUSES.take(pa.array(np.where(known, 0, 1 + ambiguous))),
            _reasons(lines, report, reported, ruled),
            pa.repeat(pa.scalar(book.book_id, TEXT), len(priced)),
            book.column("price_id").take(price),
            _of_rules(lines.rule, [rule.override_id for rule in ruled.overrides.ranked], TEXT),
        ],
        schema=LINES,
    )


_BASES = pa.array(["computed", "reported", "estimated"], TEXT)
_STATUSES = pa.array(["priced", "unpriced", "ambiguous"], TEXT)


def _of_rules(rule: Int64s, values: list[Any], kind: pa.DataType) -> pa.Array:
    """`values` of the rules of lines, NULL where there is none."""
    return pa.array(values, kind).take(pa.array(rule, mask=rule == NO_RULE))


def _or_own(listed: pa.Array, lines: Lines, own: Bools, ruled: Chosen, name: str) -> pa.Array:
    """Prices of the book, but those of overrides for the lines `own`."""
    if not own.any():
        return listed
    fixed = _of_rules(lines.rule, [getattr(rule, name) for rule in ruled.overrides.ranked], listed.type)
    return pc.if_else(pa.array(own), fixed, listed)


def _merged(listed: Amounts, computed: Amounts, own: Bools) -> Amounts:
    """`listed`, but `computed` for the lines `own`."""
    if not own.any():
        return listed
    wide = {at: value for at, value in computed.wide.items() if own[at]}
    return Amounts(np.where(own, computed.small, listed.small), {**listed.wide, **wide})


def _listed(lines: Lines, book: PriceBook) -> Amounts:
    rates, at = book.rates, np.maximum(lines.price, 0)
    quantity = np.where(lines.price >= 0, lines.quantity, 0)
    return product(quantity, rates.whole_pico[at], rates.rest_pico[at], rates.per[at])


def _with_differences(computed: Amounts, lines: Lines, report: Report) -> Amounts:
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


def _wide_calls(computed: Amounts, lines: Lines, report: Report) -> list[int]:
    """Calls with an amount that int64 does not hold."""
    return [*report.pico.wide, *(int(lines.call[position]) for position in computed.wide)]


def _scaled(quantity: Int64s, unit: Int64s) -> Amounts:
    ones = np.ones(len(quantity), np.int64)
    return product(quantity, _SCALES[unit], ones * 0, ones)


def _reasons(lines: Lines, report: Report, reported: Bools, ruled: Chosen) -> pa.Array:
    codes, words = reason.worded(lines.remark)
    if (lines.rule != NO_RULE).any():
        codes, words = _with_rules(codes, words, lines.rule, ruled)
    codes = np.where(reported, len(words) + report.source[lines.call], codes)
    return pa.array([*words, *report.sources], TEXT).take(pa.array(codes))


def _with_rules(codes: Int64s, words: list[str | None], rule: Int64s, ruled: Chosen) -> tuple[Int64s, list[str | None]]:
    """Remarks with what the override does before them."""
    ways, both = pairs(rule, codes)
    texts = {NO_RULE: None, **{at: each.text for at, each in enumerate(ruled.overrides.ranked)}}
    joined = ["; ".join(filter(None, (texts[at], words[code]))) or None for at, code in ways]
    return both, joined

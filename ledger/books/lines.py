"""The lines of calls that are being priced, and how those are parted whose parts cost different prices."""

from dataclasses import dataclass, fields, replace

import numpy as np

from ledger.books.overridden import Chosen
from ledger.books.rates import Rates
from ledger.books.tiers import NO_END
from ledger.books.units import UNITS
from ledger.money import Bools, Int64s


@dataclass(frozen=True)
class Lines:
    """The lines of one step as parallel arrays, by call and unit. `price`: position in the book, -1 for none; `rule`:
    of an override that changes the cost; `costed`: whether the cost is known by price or override."""

    call: Int64s
    unit: Int64s
    quantity: Int64s
    card: Int64s
    price: Int64s
    remark: Int64s
    rule: Int64s
    costed: Bools

    def keep(self, wanted: Bools) -> "Lines":
        return self if wanted.all() else Lines(*(getattr(self, each.name)[wanted] for each in fields(self)))


def parted(lines: Lines, rates: Rates, ruled: Chosen) -> Lines:
    """`lines`, by call and unit, with one for each part of a quantity that a graduated price or override prices."""
    if not len(lines.call) or not (ruled.is_graduated or rates.is_graduated):
        return lines
    parts, rest = list[Lines](), lines
    begin: Int64s = np.zeros(len(lines.call), np.int64)
    while len(rest.call):
        by_price = np.where(rest.price >= 0, rates.graduated_end[rest.price], NO_END)
        by_rule = ruled.graduated_end[rest.rule]
        end: Int64s = np.minimum(by_price, by_rule)
        over = rest.quantity > end - begin
        parts.append(replace(rest, quantity=np.where(over, end - begin, rest.quantity)))
        beyond = replace(
            rest,
            quantity=rest.quantity - (end - begin),
            price=np.where(by_price == end, rates.next_price[rest.price], rest.price),
            rule=np.where(by_rule == end, rest.rule + 1, rest.rule),
        )
        rest, begin = beyond.keep(over), end[over]
    return _in_order(parts)


def _in_order(parts: list[Lines]) -> Lines:
    """All of `parts`, the first parts of each call and unit first."""
    joined = Lines(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Lines)))
    order = np.argsort(joined.call * len(UNITS) + joined.unit, kind="stable")
    return Lines(*(getattr(joined, each.name)[order] for each in fields(Lines)))

"""Which card of the price book holds for each call: by the names it gives, its service tier and when it started."""

import numpy as np
import pyarrow as pa

from ledger.books import units
from ledger.books.book import PriceBook
from ledger.books.distinct import distinct
from ledger.books.rates import AMBIGUOUS_CARD, NO_CARD
from ledger.books.reason import Reason
from ledger.money import Int64s

_ORDINARY = -2
"""No special context is asked for."""


def cards_of(views: pa.Table, book: PriceBook) -> tuple[Int64s, Int64s]:
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


def _families(views: pa.Table, book: PriceBook) -> tuple[Int64s, Int64s, Int64s]:
    """By call: the family of ordinary prices, that of its service tier, and remarks. Worked out once a set of names."""
    codes, names = distinct(views, ("provider", "request_model", "response_model", "service_tier"))
    found = [_family(book, *each) for each in names]
    table = np.array(found, np.int64).reshape(-1, 3)
    return table[codes, 0], table[codes, 1], table[codes, 2]


def _family(
    book: PriceBook, provider: str | None, request: str | None, response: str | None, tier: str | None
) -> tuple[int, int, int]:
    found = book.matcher.find(provider, request, response)
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

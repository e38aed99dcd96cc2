"""What prices a view, by the event that brought it: the book, the overrides and the policies about stated costs then in
force. All are events."""

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from ledger.books.body import canonical
from ledger.books.book import PriceBook
from ledger.books.cost_sources import CostSources
from ledger.books.order import Order, read_order
from ledger.books.override import NONE, Overrides, Rule
from ledger.books.reported import Preference
from ledger.books.rule_events import Removal, read_removal, read_set, tiers_said
from ledger.errors import Refused
from ledger.journal import kinds
from ledger.journal.frame import Event
from ledger.post.books_in_force import BooksInForce
from ledger.schema import ARROW

KEPT_MAX = 64
"""States of the overrides kept in memory; others are folded again when an old trace is brought back."""

GetEvent = Callable[[int], Event]


@dataclass(frozen=True)
class Tariff:
    """What prices are made from."""

    book: PriceBook
    overrides: Overrides
    overrides_seq: int
    """Event that last changed the overrides, -1 where there is none."""
    preferences: Mapping[str, Preference]
    """What stated costs are good for, by source."""
    preferences_seq: int
    """Event that last changed the preferences, -1 where there is none."""

    @property
    def key(self) -> tuple[str, int, int]:
        """Equal for equal tariffs."""
        return self.book.book_id, self.overrides_seq, self.preferences_seq


class OverridesInForce:
    """Events that set and remove overrides, in order; what they come to is folded when first asked for."""

    def __init__(self, get_event: GetEvent, seqs: list[int]) -> None:
        self._get_event, self._seqs = get_event, seqs
        self._kept: dict[int, Overrides] = {}

    def state(self) -> bytes:
        return json.dumps(self._seqs).encode()

    def add(self, event: Event) -> pa.Table:
        """Take `event` in; returns schema.PRICE_OVERRIDES of it. Raises Refused for one that is none."""
        now, _ = self.at(event.event_seq)
        after = _applied(now, event)
        self._seqs.append(event.event_seq)
        self._keep(event.event_seq, after)
        return _rows(event)

    def at(self, event_seq: int) -> tuple[Overrides, int]:
        """The overrides in force at an event, and the event that last changed them (-1: none did)."""
        count = bisect_right(self._seqs, event_seq)
        if not count:
            return NONE, -1
        seq = self._seqs[count - 1]
        if seq not in self._kept:
            overrides = NONE
            for each in self._seqs[:count]:
                overrides = self._kept.get(each) or _applied(overrides, self._get_event(each))
            self._keep(seq, overrides)
        return self._kept[seq], seq

    def _keep(self, seq: int, overrides: Overrides) -> None:
        while len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[seq] = overrides


def _applied(overrides: Overrides, event: Event) -> Overrides:
    if event.kind == kinds.PRICE_OVERRIDE_SET:
        return overrides.with_rules(read_set(event.body))
    return overrides.without(read_removal(event.body).override_ids)


def _rows(event: Event) -> pa.Table:
    recorded = {"recorded_ns": event.received_ns, "event_seq": event.event_seq}
    said = _set(event) if event.kind == kinds.PRICE_OVERRIDE_SET else _removed(read_removal(event.body))
    rows = [row | recorded | {"position": position} for position, row in enumerate(said, 1)]
    return pa.Table.from_pylist(rows, schema=ARROW["price_overrides"])


def _set(event: Event) -> list[dict[str, object]]:
    return [vars(rule) | {"action": "set", "per": _per(rule), "tiers": _tiers(rule)} for rule in read_set(event.body)]


def _per(rule: Rule) -> int | None:
    return rule.per if rule.is_fixed else None


def _tiers(rule: Rule) -> str | None:
    return canonical(tiers_said(rule.tiers)).decode() if rule.tiers else None


def _removed(removal: Removal) -> list[dict[str, object]]:
    why = {"action": "removed", "reason": removal.reason, "author": removal.author}
    return [{"override_id": each, **why} for each in dict.fromkeys(removal.override_ids)]


class Tariffs:
    """Books, overrides, policies about stated costs and orders to re-rate together."""

    def __init__(
        self,
        books: BooksInForce,
        overrides: OverridesInForce,
        cost_sources: CostSources,
        orders: list[tuple[int, Order]],
    ) -> None:
        self.books, self.overrides, self.cost_sources, self._orders = books, overrides, cost_sources, orders

    @classmethod
    def restore(cls, get_event: GetEvent, state: Callable[[str], bytes | None]) -> "Tariffs":
        """As `states` said, by name."""
        overrides, orders = state(OVERRIDES), json.loads(state(ORDERS) or b"[]")
        return cls(
            BooksInForce.restore(lambda seq: get_event(seq).body, state(BOOKS)),
            OverridesInForce(get_event, json.loads(overrides) if overrides else []),
            CostSources(state(COST_SOURCES)),
            [(seq, read_order(get_event(seq).body)) for seq in orders],
        )

    def states(self) -> dict[str, bytes | None]:
        """What `restore` needs, by name."""
        orders = json.dumps([seq for seq, _ in self._orders]).encode()
        return {
            BOOKS: self.books.state(),
            OVERRIDES: self.overrides.state(),
            COST_SOURCES: self.cost_sources.state(),
            ORDERS: orders,
        }

    def at(self, event_seq: int) -> Tariff:
        """What prices the views that an event brings. Raises Corrupt where the journal begins without a book."""
        return self._with(self.books.at(event_seq), event_seq)

    def orders(self, after_seq: int) -> list[tuple[int, Order]]:
        """The orders to re-rate that came after an event, with their events, in order."""
        return self._orders[bisect_right(self._orders, after_seq, key=lambda each: each[0]) :]

    def of_order(self, event_seq: int, order: Order) -> Tariff:
        """What an order prices by. Raises Refused where no event published its book before it."""
        if order.book_seq >= event_seq or not self.books.is_published_by(order.book_seq):
            raise Refused(f"re-rating {order.rerate_id}: event {order.book_seq} published no price book before it")
        return self._with(self.books.at(order.book_seq), event_seq)

    def _with(self, book: PriceBook, event_seq: int) -> Tariff:
        return Tariff(book, *self.overrides.at(event_seq), *self.cost_sources.at(event_seq))

    def add_order(self, event_seq: int, order: Order) -> None:
        """Let what `order` covers be priced by it from now on."""
        self._orders.append((event_seq, order))


BOOKS, OVERRIDES, COST_SOURCES, ORDERS = "price_books", "price_overrides", "cost_sources", "rerates"

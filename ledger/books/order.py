"""An order to re-rate: which calls are priced anew, by which book. It says so once, as an event, and holds for ever."""

from dataclasses import dataclass
from typing import Any

from ledger.books.body import canonical, object_of
from ledger.errors import Refused

TEXT_CHARS_MAX = 500
BODY_BYTES_MAX = 64 << 10
_FIRST_NS, _LAST_NS = -(2**63), 2**63 - 1
_NAMES = {"rerate_id", "book_seq", "since_ns", "until_ns", "reason", "author"}


@dataclass(frozen=True)
class Order:
    """Views that came before the order and are charged in [since_ns, until_ns) are priced by the book that event
    `book_seq` published and by the overrides in force at the order."""

    rerate_id: str
    """What orders of one correction have in common."""
    book_seq: int
    since_ns: int
    until_ns: int
    reason: str
    author: str


def order_body(order: Order) -> bytes:
    """Body of a `rerate.ordered` event."""
    return canonical(vars(order))


def read_order(body: bytes) -> Order:
    """What a `rerate.ordered` event says. Raises Refused."""
    said = object_of(body, "re-rating", _NAMES, BODY_BYTES_MAX)
    for name in ("rerate_id", "reason", "author"):
        _refuse(name, said[name], isinstance(said[name], str) and 0 < len(said[name]) <= TEXT_CHARS_MAX)
    for name in ("book_seq", "since_ns", "until_ns"):
        _refuse(name, said[name], type(said[name]) is int and _FIRST_NS <= said[name] <= _LAST_NS)
    if said["since_ns"] >= said["until_ns"]:
        raise Refused(f"re-rating: nothing lies between {said['since_ns']} and {said['until_ns']} ns")
    return Order(**said)


def _refuse(name: str, value: Any, sound: bool) -> None:
    if not sound:
        raise Refused(f"re-rating: {name} {str(value)[:50]!r} is none")

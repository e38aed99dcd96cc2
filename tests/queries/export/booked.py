"""Charges written by hand."""

from typing import Any

from tests.ledger.store import rows
from tests.queries.by_hand import Books


def booked(by_hand: Books, seq: int, *lines: dict[str, Any], run: object = "t") -> None:
    """Event `seq` books one call. `lines`: of each the `cost`, and what differs from tests.ledger.store.rows.charge."""
    span = rows.span(seq, 0, run)
    placed = rows.placement(seq, span)
    charges = [rows.charge(seq, placed, **{"line": n} | line) for n, line in enumerate(lines)]
    by_hand.write(seq, spans=[span], placements=[placed], charges=charges)

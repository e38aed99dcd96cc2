"""Which stretches of the journal are settled now, as the catalog keeps it: few, so that every answer can have them."""

from collections.abc import Sequence
from json import dumps, loads

Stretch = tuple[int, int]
"""from_seq, through_seq: what was touched last within it is settled."""

STATE = "settled"
"""Its name among the states of the catalog."""
STRETCHES_MAX = 256
"""Imports into a service leave one each, until the service settles all before it."""


def stretches(state: bytes | None) -> tuple[Stretch, ...]:
    """What `state` says."""
    return tuple((first, last) for first, last in loads(state or b"[]"))


def after(before: Sequence[Stretch], from_seq: int, through_seq: int, event_seq: int) -> bytes:
    """The state after an event that settles a stretch. What it finds touches runs too, by the event itself; what lies
    within a stretch from the beginning is left out."""
    found = [*before, (from_seq, through_seq), (event_seq, event_seq)]
    covered = max((last for first, last in found if first == 0), default=-1)
    beyond = [(first, last) for first, last in found if first > 0 and last > covered]
    kept = [(0, covered), *beyond] if covered >= 0 else beyond
    return dumps([*kept[:1], *kept[1:][1 - STRETCHES_MAX :]]).encode()

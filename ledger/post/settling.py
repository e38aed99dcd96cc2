"""What a `run.settled` event says: a stretch of the journal; what was touched last in it is taken for over.

Whether a trace has been at rest for long enough takes a clock, so the live poster decides it and says so by an event.
"""

from dataclasses import dataclass

from ledger.books.body import canonical, object_of
from ledger.errors import Refused

BODY_BYTES_MAX = 1 << 10
SEQ_MAX = 2**63 - 1
TRACES_MAX = 2_000
"""Traces that one event settles, all opened again in one commit: of 50 spans each about two seconds. Those left over
are settled by the next event."""
_NAMES = {"from_seq", "through_seq"}


@dataclass(frozen=True)
class Settling:
    """From the event `from_seq` to `through_seq`, both included."""

    from_seq: int
    through_seq: int


def settling_body(settling: Settling) -> bytes:
    """Body of a `run.settled` event."""
    return canonical(vars(settling))


def read_settling(body: bytes, event_seq: int) -> Settling:
    """What the `run.settled` event `event_seq` says. Raises Refused."""
    said = object_of(body, "settling", _NAMES, BODY_BYTES_MAX)
    for name, value in said.items():
        if type(value) is not int or not 0 <= value <= SEQ_MAX:
            raise Refused(f"settling: {name} {str(value)[:50]!r} is no number of an event")
    found = Settling(**said)
    if not found.from_seq <= found.through_seq < event_seq:
        raise Refused(f"settling: from {found.from_seq} through {found.through_seq} is no stretch before {event_seq}")
    return found

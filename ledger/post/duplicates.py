"""A span that came before: the same again (counted, dropped), or another under the same identity (a conflict).

The first by journal order counts. The comparison reads both from the journal, which holds every byte ever received; a
request that was sent again as a whole is known by its SHA-256 without being decoded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ledger.journal.frame import Event
from ledger.schema import ARROW

SameSpan = Callable[[tuple[Event, int], tuple[Event, int]], bool]
"""Whether the spans at two places of the journal have equal decoded content, whatever the encodings."""

GetEvent = Callable[[int], Event]


@dataclass(frozen=True)
class Repeat:
    """A span seen again, and where it was seen first."""

    tenant: str
    trace_id: bytes
    span_id: bytes
    first: tuple[int, int]
    again: tuple[int, int]


def conflicts(repeats: Sequence[Repeat], get_event: GetEvent, same_span: SameSpan) -> pa.Table:
    """schema.CONFLICTS: the repeats whose content differs."""
    differing = [repeat for repeat in repeats if not _same(repeat, get_event, same_span)]
    rows = [(r.tenant, r.trace_id, r.span_id, *r.first, *r.again) for r in differing]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(ARROW["conflicts"])
    return pa.table([pa.array(list(column)) for column in columns], schema=ARROW["conflicts"]) if rows else _NONE


_NONE = ARROW["conflicts"].empty_table()


def _same(repeat: Repeat, get_event: GetEvent, same_span: SameSpan) -> bool:
    first, again = get_event(repeat.first[0]), get_event(repeat.again[0])
    if repeat.first[1] == repeat.again[1] and first.raw_sha256 == again.raw_sha256:
        return True
    return same_span((first, repeat.first[1]), (again, repeat.again[1]))

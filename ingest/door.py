"""The door check before the ack: wire form and ids, nothing else, without an object per span.

Guarantees: only a request whose wire form is truly broken is Refused; a span that is broken or has no valid ids is
counted as rejected and harms no other. It stays in the journal as it came; the poster quarantines what it cannot read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from ingest.json_otlp import Converted
from ingest.skeleton import SKELETONS, Skeleton
from ingest.wire import check_amplification
from ledger.errors import Refused, TooLarge

RECORD_FORM: Mapping[str, str] = {"traces": "Ids", "logs": "Opaque", "metrics": "Opaque"}
"""How the records of each signal are read. Log records may lack ids, metrics have none."""

BROKEN_OR_NO_IDS = (
    "broken, or trace_id is not 16 bytes, span_id or parent_span_id not 8, or one of the first two all zero"
)
WHY_MAX = 300
"""Characters: what an answer says about what was rejected must end before ERROR_MESSAGE_MAX cuts it."""

VALID_SPANS = re.compile(
    rb"(?:\x12[\x1c\x26]\x0a\x10(?!\0{16})[\s\S]{16}\x12\x08(?!\0{8})[\s\S]{8}(?:\x22\x08[\s\S]{8})?)*"
)
"""Spans reduced to their ids, serialized: 16 and 8 bytes, neither all zero, and a parent of 8 or none (OTLP, Span).

Not possessive (`*+`): CPython 3.11.2, which is Debian's, then misjudges the look-ahead and takes zero ids for valid.
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the door saw: how many records, and how many of them can never be read as sent."""

    records: int
    rejected: int = 0
    why: str = ""
    """Of JSON: what does not fit, of the first record that is rejected, else of a resource or scope."""

    def message(self, records: str) -> str:
        """For partial_success; empty when nothing was rejected and nothing is missing."""
        why = self.why[:WHY_MAX]
        if not self.rejected:
            return f"all {self.records} {records} are kept, but without what does not read: {why}" if why else ""
        why = f"the first, {why}" if why else BROKEN_OR_NO_IDS
        kept = "the request is kept and they are in quarantine"
        return f"{self.rejected} of {self.records} {records} rejected: {why}; {kept}"

    def of_json(self, converted: Converted) -> "Checked":
        """This check of `converted`, with what its JSON had that is no longer in its wire form."""
        misfits = converted.misfits
        # An empty span has been rejected already, having no ids; of the other signals an empty record is a good one.
        why = misfits[0].reason if misfits else converted.warning
        return Checked(self.records, max(self.rejected, len(misfits)), why)


def check(signal: str, wire: bytes, *, records_max: int, elements_max: int) -> Checked:
    """Check an Export*ServiceRequest. Raises Refused if it is none, TooLarge if it would unfold beyond the limits."""
    check_amplification(signal, wire, records_max=records_max, elements_max=elements_max)
    skeleton = SKELETONS[RECORD_FORM[signal]]
    try:
        request = skeleton.request.FromString(wire)
    except DecodeError:
        return _check_one_by_one(signal, wire, skeleton, records_max)
    # Spans are read back as their ids only, so that one regular expression can look at all of them.
    request.DiscardUnknownFields()
    count = _spans if signal == "traces" else _others
    return _total(request, count, records_max)


def _total(request: Any, count: Any, records_max: int) -> Checked:
    records = rejected = lists = 0
    for resource in _bounded(request.resources, records_max):
        lists += 1 + len(resource.scopes)
        for scope in resource.scopes if lists <= records_max else ():
            seen, bad = count(scope)
            records, rejected = records + seen, rejected + bad
        if records + lists > 2 * records_max or records > records_max:
            raise _too_many(records_max)
    return Checked(records, rejected)


def _bounded(items: Any, records_max: int) -> Any:
    if len(items) > records_max:
        raise _too_many(records_max)
    return items


def _too_many(records_max: int) -> TooLarge:
    return TooLarge(f"the request holds more than {records_max} records; send fewer in a request (records_max)")


def _spans(scope: Any) -> tuple[int, int]:
    ids: bytes = scope.SerializeToString()
    if VALID_SPANS.fullmatch(ids):
        return len(scope.records), 0
    return len(scope.records), sum(not _valid(span) for span in scope.records)


def _valid(span: Any) -> bool:
    trace_id, span_id = span.trace_id, span.span_id
    good = len(trace_id) == 16 and len(span_id) == 8 and any(trace_id) and any(span_id)
    return good and len(span.parent_span_id) in (0, 8)


def _others(scope: Any) -> tuple[int, int]:
    return len(scope.records), 0


def _check_one_by_one(signal: str, wire: bytes, skeleton: Skeleton, records_max: int) -> Checked:
    """The slow way, for a request in which something is broken: which record, or the envelope itself?"""
    try:
        request = SKELETONS["Raw"].request.FromString(wire)
    except DecodeError as error:
        raise Refused(
            f"the body of {len(wire)} bytes is not an OTLP {signal} request: its protobuf wire form is broken"
        ) from error

    def count(scope: Any) -> tuple[int, int]:
        records = _bounded(scope.records, records_max)
        return len(records), sum(not _readable(signal, skeleton, raw) for raw in records)

    return _total(request, count, records_max)


def _readable(signal: str, skeleton: Skeleton, raw: bytes) -> bool:
    try:
        record = skeleton.record.FromString(raw)
    except DecodeError:
        return False
    return signal != "traces" or _valid(record)

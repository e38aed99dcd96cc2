"""OTLP/JSON to OTLP protobuf: the envelope, and one misfit record never costs its neighbours.

Guarantees: what `to_protobuf` returns is a wire message that every protobuf parser takes, with a record for each record
of the JSON, in the same order; a record that does not fit is an empty one there and a `Misfit` beside it, naming the
place (`resourceSpans[0].scopeSpans[0].spans[2].kind`); what does not fit of a resource or scope is missing, and the
records in it say so; a body whose envelope does not read is `Refused`; any bytes at all end in one of these.
Rules: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Of two equal keys the last one counts.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.json_message import MisfitError, fill, listed, objected
from ingest.json_text import is_utf8, parse
from ingest.notes import REPAIRED, UNREADABLE
from ledger.errors import Refused

Signal = Literal["traces", "logs", "metrics"]

REQUESTS: Mapping[str, Callable[[], Any]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}

LISTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "traces": (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("spans", "spans")),
    "logs": (("resourceLogs", "resource_logs"), ("scopeLogs", "scope_logs"), ("logRecords", "log_records")),
    "metrics": (("resourceMetrics", "resource_metrics"), ("scopeMetrics", "scope_metrics"), ("metrics", "metrics")),
}
"""Signal -> the lists of its envelope from the outside in, each as key and as field. The last holds the records."""

SHOWN_DEPTH = 100
"""Arrays and objects within one another shown of a record that does not fit; the whole stays in the journal."""


@dataclass(frozen=True)
class Misfit:
    """A record that could not be converted."""

    index: int
    """Position among the records of the request, in document order."""
    reason: str
    text: bytes
    """The record as JSON, without what lies deeper than SHOWN_DEPTH."""


@dataclass(frozen=True)
class Converted:
    """A request as wire protobuf. Misfits are empty records in it, so that positions stay."""

    wire: bytes
    misfits: tuple[Misfit, ...] = ()
    warning: str = ""
    """What of a resource or scope is missing, the first if there are more."""


def to_protobuf(signal: Signal, body: bytes) -> Converted:
    """The OTLP/JSON request `body`. Raises Refused, naming the place, if it is no such request."""
    try:
        request = REQUESTS[signal]()
        envelope = _Envelope(signal, repair=not is_utf8(body))
        envelope.fill(request, parse(body), "", 0, "")
    except (ValueError, MisfitError) as error:
        place = error.place if isinstance(error, MisfitError) else "the body is not JSON"
        raise Refused(f"OTLP/JSON {signal} request: {place}: {error}; send valid OTLP/JSON or protobuf") from None
    wire: bytes = request.SerializeToString()
    return Converted(wire, tuple(envelope.misfits), envelope.warning)


class _Envelope:
    """One request being converted: how many records there were so far, and which of them do not fit."""

    def __init__(self, signal: Signal, *, repair: bool) -> None:
        self._lists = LISTS[signal]
        self._repair = repair
        self._records = 0
        self.misfits: list[Misfit] = []
        self.warning = ""

    def fill(self, message: Any, value: object, place: str, level: int, missing: str) -> None:
        """Fill a level of the envelope from `value`, and what it holds. `missing`: what did not fit of those around."""
        if level == len(self._lists):
            self._record(message, value, place, missing)
            return
        key, field = self._lists[level]
        group = objected(value, place)
        try:
            fill(message, {name: item for name, item in group.items() if name != key}, level + 1)
        except MisfitError as misfit:
            missing = f"{misfit.within(place)}: {misfit}"
            self.warning = self.warning or missing
        target = getattr(message, field)
        for position, item in enumerate(listed(group.get(key), f"{place}.{key}")):
            self.fill(target.add(), {} if item is None else item, f"{place}.{key}[{position}]", level + 1, missing)

    def _record(self, message: Any, value: object, place: str, missing: str) -> None:
        try:
            fill(message, value, len(self._lists) + 1)
        except MisfitError as misfit:
            message.Clear()
            reason = f"{misfit.within(place)}: {misfit}"
            self.misfits.append(Misfit(self._records, reason, json.dumps(_upper(value, SHOWN_DEPTH)).encode()))
        else:
            _note(message, UNREADABLE, missing)
            _note(message, REPAIRED, "json" if self._repair and _has_bad_text(value) else "")
        self._records += 1


def _note(record: Any, key: str, text: str) -> None:
    if text and "attributes" in record.DESCRIPTOR.fields_by_name:
        record.attributes.add(key=key).value.string_value = text


def _has_bad_text(value: Any) -> bool:
    try:
        json.dumps(_upper(value, SHOWN_DEPTH), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _upper(value: Any, levels: int) -> Any:
    """`value` without what lies deeper than `levels`: nobody shall recurse into it without a bound."""
    if isinstance(value, dict):
        return {key: _upper(item, levels - 1) for key, item in value.items()} if levels else None
    if isinstance(value, list):
        return [_upper(item, levels - 1) for item in value] if levels else None
    return value

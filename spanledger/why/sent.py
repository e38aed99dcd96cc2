"""What was sent of one span, log record or data point: its bytes in the journal, and which attribute each column is
from."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from ingest.decode.one import log_sheet_of, point_sheet, span_sheet
from ingest.dialects import DIALECTS
from ingest.dialects.detect import claims_of
from ingest.dialects.dialect import Dialect
from ingest.dialects.logs import LOG_DIALECTS
from ingest.dialects.logs.apply import prepared
from ingest.dialects.meters import METRICS
from ingest.dialects.origin import RULE, origins
from ingest.sheet import Sheet
from ledger.errors import Corrupt
from ledger.journal.frame import Event
from ledger.journal.read import JournalReader
from queries.runs import Row
from queries.why.find import RECORDS


def sent(journal: JournalReader, view: Row) -> dict[str, Any]:
    """The event that holds `view`, and its columns as this program reads them from it."""
    signal, seq, index = _place(view)
    event = journal.get(seq)
    sheet, dialect = _READ[signal](event, index)
    return {
        "event": _event(event) | {"record": RECORDS[signal], "index": index},
        "read_as": {"dialect": dialect.name, "mapping_version": dialect.version},
        "columns": [asdict(each) for each in origins(sheet, dialect) if each.origin != RULE or dialect is not METRICS],
    }


def _place(view: Row) -> tuple[str, int, int]:
    """Signal, event and position of the record that says what `view` does: of a settlement the span that knew of it."""
    by_span = view["signal"] == "settlement"
    seq, index = (view[name] for name in (("known_seq", "known_index") if by_span else ("source_seq", "span_index")))
    return "span" if by_span else str(view["signal"]), int(str(seq)), int(str(index))


def _span(event: Event, index: int) -> tuple[Sheet, Dialect]:
    sheet = span_sheet(event, index)
    return sheet, DIALECTS[int(claims_of(sheet, DIALECTS)[0])]


def _log(event: Event, index: int) -> tuple[Sheet, Dialect]:
    sheet, claims = prepared(log_sheet_of(event, index))
    return sheet, LOG_DIALECTS[int(claims[0])]


def _point(event: Event, index: int) -> tuple[Sheet, Dialect]:
    """Of a reading of metrics the first data point. What all of them come to is in `readings`: no rule goes by one."""
    return point_sheet(event, index), METRICS


_READ: Mapping[str, Callable[[Event, int], tuple[Sheet, Dialect]]] = {"span": _span, "log": _log, "metric": _point}


def _event(event: Event) -> dict[str, Any]:
    digest = sha256(event.body).digest()
    if digest != event.raw_sha256:
        raise Corrupt(f"event {event.event_seq}: its bytes have SHA-256 {digest.hex()}, not {event.raw_sha256.hex()}")
    return {
        "event_seq": event.event_seq,
        "received_ns": event.received_ns,
        "transport": event.transport,
        "principal": event.principal,
        "content_type": event.content_type,
        "body_bytes": len(event.body),
        "raw_sha256": digest.hex(),
    }

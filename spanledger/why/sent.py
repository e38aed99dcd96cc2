"""What was sent of one span: its bytes in the journal, and from which attribute each column came."""

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from ingest.decode.one import span_sheet
from ingest.dialects.origin import dialect_of, origins
from ledger.errors import Corrupt
from ledger.journal.frame import Event
from ledger.journal.read import JournalReader
from queries.runs import Row


def sent(journal: JournalReader, view: Row) -> dict[str, Any]:
    """The event that holds the span `view`, and the span's columns as this program reads them from it."""
    event = journal.get(int(str(view["source_seq"])))
    sheet = span_sheet(event, int(str(view["span_index"])))
    dialect = dialect_of(sheet)
    return {
        "event": _event(event),
        "read_as": {"dialect": dialect.name, "mapping_version": dialect.version},
        "columns": [asdict(each) for each in origins(sheet)],
    }


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

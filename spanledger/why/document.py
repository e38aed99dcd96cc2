"""The whole answer as one document of plain values: decimals, times and ids as the ledger holds them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import duckdb

from ledger.calls.sentences import NO_VIEW, REASONS
from ledger.journal.read import JournalReader
from queries.runs import Row
from queries.why.decided import Decided, decided
from queries.why.find import Found, find
from spanledger.why.money import money
from spanledger.why.sent import sent

READ_MAX = 20
"""Views of one call whose bytes are read again; a call has one or two, an agent that nests in itself up to 256."""

ELSEWHERE = frozenset({"tenant", "reported_cost_usd", "reported_source", "known_seq", "known_index"})
"""Columns of a view that the document gives in other places."""

Document = dict[str, Any]


def why(connection: duckdb.DuckDBPyConnection, journal: JournalReader, text: str) -> Document:
    """Everything about the span, view, call or charge that `text` names. Raises Refused, NotFound and Corrupt."""
    found = find(connection, text)
    known = decided(connection, found)
    return {
        "id": found.id,
        "kind": _kind(found, known),
        "tenant": found.tenant,
        "signal": found.signal,
        "trace_id": found.trace_id,
        "span_id": found.span_id,
        "source_seq": found.source_seq,
        "span_index": found.span_index,
        "call": known.call,
        "views": [_view(view, journal, nth < READ_MAX) for nth, view in enumerate(known.views)],
        "money": money(connection, journal, known) if known.call else None,
        "placement": [asdict(each) for each in known.placed],
    }


def _kind(found: Found, known: Decided) -> str:
    """A call goes by the id of its earliest view."""
    return "call" if known.call and known.call["call_id"] == found.id else found.kind


def _view(view: Row, journal: JournalReader, read: bool) -> Document:
    reason = view["reason"]
    return {
        **{name: value for name, value in view.items() if name not in ELSEWHERE},
        "explained": NO_VIEW if reason is None else REASONS[str(reason)],
        **(sent(journal, view) if read else _NOT_READ),
    }


_NOT_READ: Mapping[str, Any] = {"event": None, "read_as": None, "columns": None}

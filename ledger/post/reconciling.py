"""Rows of `reconciliations`: what a recorded comparison with a provider found."""

import pyarrow as pa

from ledger.books.reconciled import Reconciliation
from ledger.journal.frame import Event
from ledger.schema import ARROW

RECORDED = ("recorded_ns", "event_seq")
"""Columns that say how it was recorded."""
_ONCE = ("causes", "as_of_seq", *RECORDED)


def reconciliation_rows(event: Event, found: Reconciliation) -> pa.Table:
    """schema.RECONCILIATIONS of `found`, which `event` records."""
    beside = {"recorded_ns": event.received_ns, "event_seq": event.event_seq}
    return pa.Table.from_pylist([row | beside for row in _said(found)], schema=ARROW["reconciliations"])


def table_of(found: Reconciliation) -> pa.Table:
    """The same before it is recorded, without the columns that say how."""
    schema = ARROW["reconciliations"]
    names = [name for name in schema.names if name not in RECORDED]
    return pa.Table.from_pylist(_said(found), schema=pa.schema([schema.field(name) for name in names]))


def _said(found: Reconciliation) -> list[dict[str, object]]:
    names = [name for name in ARROW["reconciliations"].names if name not in _ONCE]
    return [
        {name: getattr(row, name) for name in names}
        | {"causes": "\n".join(row.causes) or None, "as_of_seq": found.as_of_seq}
        for row in found.rows
    ]

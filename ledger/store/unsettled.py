"""Traces in which a span knows of more than what is billed below it, kept in the catalog until they are settled."""

import sqlite3
from collections.abc import Mapping

Trace = tuple[str, bytes]
"""tenant, trace_id."""

TABLE_SQL = """
CREATE TABLE unsettled (tenant TEXT NOT NULL, trace_id BLOB NOT NULL, last_seq INTEGER NOT NULL,
                        PRIMARY KEY (tenant, trace_id)) WITHOUT ROWID;
CREATE INDEX unsettled_last ON unsettled (last_seq);
"""


def within(db: sqlite3.Connection, from_seq: int, through_seq: int, most: int) -> list[Trace]:
    """Traces that were touched last by an event of this stretch, both ends included, the earliest first."""
    query = (
        "SELECT tenant, trace_id FROM unsettled WHERE last_seq BETWEEN ? AND ? "
        "ORDER BY last_seq, tenant, trace_id LIMIT ?"
    )
    return [(tenant, bytes(trace)) for tenant, trace in db.execute(query, (from_seq, through_seq, most))]


def put(db: sqlite3.Connection, touched: Mapping[Trace, int | None]) -> None:
    """Note the event that touched each trace last; None where nothing in it is left to be settled."""
    gone = [trace for trace, seq in touched.items() if seq is None]
    db.executemany("DELETE FROM unsettled WHERE tenant = ? AND trace_id = ?", gone)
    kept = [(*trace, seq) for trace, seq in touched.items() if seq is not None]
    db.executemany("INSERT OR REPLACE INTO unsettled VALUES (?, ?, ?)", kept)

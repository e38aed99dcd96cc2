"""When conversations were active, kept in the catalog: an interval for each run that goes by its conversation.

One row for each, which only grows or becomes a part of another; those of one conversation never overlap.
"""

import sqlite3
from collections.abc import Iterable, Iterator

Row = tuple[int, int, bytes, int]
"""start_ns, end_ns, run_id, names: how many run ids lead to it."""

TABLE_SQL = """
CREATE TABLE conversation_run (conversation BLOB NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
                               run_id BLOB NOT NULL, names INTEGER NOT NULL,
                               PRIMARY KEY (conversation, start_ns)) WITHOUT ROWID;
"""


def near(db: sqlite3.Connection, conversation: bytes, start_ns: int, end_ns: int) -> Iterator[Row]:
    """The intervals of `conversation` that reach into start_ns to end_ns, both included, the last first."""
    query = (
        "SELECT start_ns, end_ns, run_id, names FROM conversation_run "
        "WHERE conversation = ? AND start_ns <= ? ORDER BY start_ns DESC"
    )
    for row in db.execute(query, (conversation, end_ns)):
        if row[1] < start_ns:  # and so do all before it
            return
        yield row


def put(db: sqlite3.Connection, gone: Iterable[tuple[bytes, int]], rows: Iterable[tuple[bytes, *Row]]) -> None:
    """Remove the intervals `gone` (conversation, start_ns) and write `rows` (conversation, then Row)."""
    db.executemany("DELETE FROM conversation_run WHERE conversation = ? AND start_ns = ?", gone)
    db.executemany("INSERT INTO conversation_run VALUES (?, ?, ?, ?, ?)", rows)

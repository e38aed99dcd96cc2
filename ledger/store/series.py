"""Where the counters stand that count up from a start, kept in the catalog: the last value of each that was read."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

Counter = tuple[int, Decimal]
"""time_ns of the last value, and the value."""

TABLE_SQL = """
CREATE TABLE series (series BLOB PRIMARY KEY, time_ns INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
"""
ASKED_MAX = 512
"""Series asked for at a time: SQLite bounds the parameters of a statement."""


def last(db: sqlite3.Connection, series: Sequence[bytes]) -> dict[bytes, Counter]:
    """Where those of `series` stand that were read before."""
    found = dict[bytes, Counter]()
    for start in range(0, len(series), ASKED_MAX):
        asked = series[start : start + ASKED_MAX]
        query = f"SELECT series, time_ns, value FROM series WHERE series IN ({', '.join('?' * len(asked))})"
        found |= {bytes(name): (time_ns, Decimal(value)) for name, time_ns, value in db.execute(query, asked)}
    return found


def put(db: sqlite3.Connection, counters: Mapping[bytes, Counter]) -> None:
    """Write where `counters` stand now."""
    rows: Iterable[tuple[bytes, int, str]] = ((name, at, str(value)) for name, (at, value) in counters.items())
    db.executemany("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", rows)

"""Small databases with all views, kept for the next question: making one takes longer than most answers."""

import atexit
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from ledger.schema import ARROW
from queries.connect import add_views, opened

KEPT_MAX = 4
"""As many as the API answers questions at once."""
SETTLED_NOW = pa.schema([("from_seq", pa.int64()), ("through_seq", pa.int64())])
"""Stretches of the journal that are settled."""
EMPTY = {**{table: schema.empty_table() for table, schema in ARROW.items()}, "settled_now": SETTLED_NOW.empty_table()}


class Rooms:
    """Databases whose tables are given for the time of one question. Threads may share it."""

    def __init__(self) -> None:
        self._free: deque[duckdb.DuckDBPyConnection] = deque(maxlen=KEPT_MAX)
        atexit.register(self._free.clear)  # while DuckDB's own objects still stand

    @contextmanager
    def holding(self, rows: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
        """The views over `rows`, by table; what is not among them is empty."""
        room = self._take()
        try:
            for table, part in rows.items():
                room.register(f"only_{table}", part)
            yield room
        finally:
            for table in rows:
                room.register(f"only_{table}", EMPTY[table])
            self._free.append(room)

    def _take(self) -> duckdb.DuckDBPyConnection:
        try:
            return self._free.pop()
        except IndexError:
            return _new()


def _new() -> duckdb.DuckDBPyConnection:
    room = opened({"threads": 1})
    room.execute("CREATE VIEW base.snapshot AS SELECT CAST(-1 AS BIGINT) AS cursor")
    for table, empty in EMPTY.items():
        room.register(f"only_{table}", empty)
        room.execute(f"CREATE VIEW base.{table} AS SELECT * FROM only_{table}")
    add_views(room)
    return room


rooms = Rooms()

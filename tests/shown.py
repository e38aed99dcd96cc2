"""The views over one ledger after another, on kept connections: defining them takes longer than most answers do."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from ledger.paths import DataDir
from ledger.store.snapshot import Snapshot
from queries.connect import add_views, opened, show

_free: list[duckdb.DuckDBPyConnection] = []
atexit.register(_free.clear)  # while DuckDB's own objects still stand


@contextmanager
def shown(data: DataDir) -> Iterator[duckdb.DuckDBPyConnection]:
    """`queries.connect.connect` for tests of what a ledger says, and not of how it is opened.

    A connection goes on to the next ledger as those of the API go on to the next state of theirs."""
    state = Snapshot.take(data)
    new = not _free
    connection = opened({}) if new else _free.pop()
    show(connection, state)
    if new:
        add_views(connection)
    try:
        yield connection
    finally:
        _free.append(connection)

"""Ledgers written by hand, row by row."""

from decimal import Decimal
from pathlib import Path

from ledger.paths import DataDir
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from tests.ledger.store import rows
from tests.shown import shown


class Books:
    """A ledger to write by hand, and to ask."""

    def __init__(self, root: Path) -> None:
        self.data = DataDir(root / "data")
        self.catalog = Catalog.open(self.data, clock=SystemClock())

    def write(self, seq, **tables):
        rows.commit(seq, {"events": [rows.event(seq)]} | tables).apply(self.catalog)
        if seq % 2:
            self.catalog.flush()  # so that every test reads segments and hot rows together

    def ask(self, query):
        with shown(self.data) as connection:
            return connection.execute(query).fetchall()


def usd(text):
    return Decimal(text).quantize(Decimal("0.000000000001"))

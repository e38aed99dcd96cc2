"""What must hold after whatever happened to the service: everything acked is there, once, and costs what it costs."""

from collections.abc import Sequence
from pathlib import Path

from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.store.snapshot import Snapshot
from queries.connect import connect
from tests.durability.load import CALL_USD, Client, Record
from tests.service import until

BATCHES_BETWEEN_KILLS = 20
POSTING_S = 120.0


def wait_for_acks(clients: Sequence[Client]) -> None:
    enough = acks(clients) + BATCHES_BETWEEN_KILLS
    until(lambda: acks(clients) >= enough, 30, "the clients get no acks")


def acks(clients: Sequence[Client]) -> int:
    return sum(len(client.record.acked) for client in clients)


def catch_up(data: Path) -> None:
    """Until the poster has posted all that is durable."""
    reader = JournalReader(DataDir(data))
    try:
        last = reader.durable_seq()
    finally:
        reader.close()
    until(lambda: Snapshot.take(DataDir(data)).cursor >= last, POSTING_S, f"event {last} is not posted")


def holds_exactly_once(data: Path, records: Sequence[Record]) -> None:
    """All that was acked is there, nothing else than what was sent is, each span once, and each costs what it costs."""
    acked = set.union(*(record.acked_ids() for record in records))
    sent = set.union(*(record.sent_ids() for record in records))
    connection = connect(DataDir(data))
    try:
        stored = [row[0] for row in connection.execute("SELECT span_id FROM spans").fetchall()]
        calls = connection.execute("SELECT count(*), sum(cost_usd) FROM calls").fetchone()
        charged = connection.execute("SELECT sum(cost_usd) FROM charges").fetchone()
        stray = connection.execute(
            "SELECT (SELECT count(*) FROM conflicts) + (SELECT count(*) FROM quarantine)"
        ).fetchone()
    finally:
        connection.close()
    assert acked - set(stored) == set(), "acked, but lost"
    assert set(stored) - sent == set(), "stored, but never sent"
    assert len(stored) == len(set(stored)), "stored twice"
    assert calls == (len(stored), len(stored) * CALL_USD)
    assert charged == (len(stored) * CALL_USD,)
    assert stray == (0,)

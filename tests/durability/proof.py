"""What must hold after whatever happened to the service: everything acked is there, once, and costs what it costs."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.store.digest import digests
from ledger.store.snapshot import Snapshot
from queries.connect import connect
from tests.durability.load import CALL_USD, HOUR_NS, Client, Record
from tests.service import until

BATCHES_BETWEEN_KILLS = 20
POSTING_S = 120.0


def wait_for_acks(clients: Sequence[Client], batches: int = BATCHES_BETWEEN_KILLS) -> None:
    enough = acks(clients) + batches
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
    check(data, set().union(*(record.acked_ids() for record in records)), records)


def holds_so_far(data: Path, records: Sequence[Record]) -> None:
    """The same while clients go on sending: acked before is there, and what is there was sent before now."""
    acked: set[str] = set().union(*(record.acked_ids() for record in records))
    catch_up(data)
    check(data, acked, records)


def check(data: Path, acked: set[str], records: Sequence[Record]) -> None:
    with connect(DataDir(data)) as connection:
        stored = [row[0] for row in connection.execute("SELECT span_id FROM spans").fetchall()]
        sent = set().union(*(record.sent_ids() for record in records))
        calls = connection.execute("SELECT count(*), sum(cost_usd) FROM calls").fetchone()
        charged = connection.execute("SELECT sum(cost_usd) FROM charges").fetchone()
        stray = connection.execute(STRAY).fetchone()
        unbalanced = {name: connection.execute(query).fetchall() for name, query in BALANCES.items()}
    assert acked - set(stored) == set(), "acked, but lost"
    assert set(stored) - sent == set(), "stored, but never sent"
    assert len(stored) == len(set(stored)), "stored twice"
    assert calls == (len(stored), len(stored) * CALL_USD)
    assert charged == (len(stored) * CALL_USD,)
    assert stray == (0,)
    assert unbalanced == {name: [] for name in BALANCES}


STRAY = "SELECT (SELECT count(*) FROM conflicts) + (SELECT count(*) FROM quarantine)"

BALANCES = {
    name: f"""
    WITH rolled AS (SELECT hour_ns, {key} AS key, sum(cost_usd) AS usd FROM {view} GROUP BY ALL),
    lines AS (
      SELECT charged_ns // {HOUR_NS} * {HOUR_NS} AS hour_ns, {key} AS key, sum(cost_usd) AS usd FROM charges
      WHERE {among} GROUP BY ALL
    )
    (SELECT 'only rolled up', * FROM (FROM rolled EXCEPT FROM lines))
    UNION ALL (SELECT 'only charged', * FROM (FROM lines EXCEPT FROM rolled))
    """
    for name, view, key, among in (
        ("by agent", "cost_by_agent", "agent_name", "true"),
        ("by model", "cost_by_model", "model", "tool_name IS NULL OR tool_name = ''"),
        ("by tool", "cost_by_tool", "tool_name", "tool_name <> ''"),
    )
}
"""Money by hour and by each grouping: where the rollup differs from the sum of the lines."""


def cursor_is_within_the_journal(data: Path) -> None:
    cursor = Snapshot.take(DataDir(data)).cursor  # first, for both move on while the service runs
    with JournalReader(DataDir(data)) as reader:
        last = reader.durable_seq()
    assert cursor <= last, f"posted up to event {cursor}, durable is only {last}"


def rebuild_equals_live(data: Path) -> None:
    """Also says that every event can be read, and that posting them in other batches gives the same."""
    live = digests(DataDir(data))
    command = [sys.executable, "-m", "spanledger", "rebuild", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert digests(DataDir(data)) == live

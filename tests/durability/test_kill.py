"""SIGKILL to the whole program under load, again and again: nothing acked is lost, nothing counts twice."""

import statistics
from pathlib import Path

import pytest

from ingest.decode import decode, same_span
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from ledger.store.snapshot import Snapshot
from queries.connect import connect
from tests.durability.load import CALL_USD, BareClient, Client, SdkClient
from tests.service import Service, service, until

pytestmark = pytest.mark.durability

START_MEDIAN_S = 2.0
START_MAX_S = 5.0
"""The Python exporter gives up after about 7 s of outage."""
DRAIN_S = 3.0
BATCHES_BETWEEN_KILLS = 20
POSTING_S = 120.0


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(20, marks=pytest.mark.timeout(240)),
        pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    ],
)
def test_kill_nine_under_load_loses_and_doubles_nothing(kills: int, tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        clients = [BareClient(one.grpc), SdkClient(one.grpc)]
        starts = kill_again_and_again(one, clients, kills)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    acked = set.union(*(record.acked_ids() for record in records))
    sent = set.union(*(record.sent_ids() for record in records))
    print(f"{kills} kills, {len(sent)} spans sent, {len(acked)} acked; starts {statistics.median(starts):.2f} s median")
    assert all(len(record.acked) > kills for record in records)
    holds_exactly_once(one.data, acked, sent)
    assert statistics.median(starts) <= START_MEDIAN_S
    assert max(starts) <= START_MAX_S
    rebuild_equals_live(one.data)


def kill_again_and_again(one: Service, clients: list[Client], kills: int) -> list[float]:
    """Kills the service whenever the clients together got some more acks; seconds that each start took."""
    for client in clients:
        client.start()
    starts = []
    for _ in range(kills):
        wait_for_acks(clients)
        one.kill()
        starts.append(one.start())
    wait_for_acks(clients)
    return starts


def wait_for_acks(clients: list[Client]) -> None:
    enough = acks(clients) + BATCHES_BETWEEN_KILLS
    until(lambda: acks(clients) >= enough, 30, "the clients get no acks")


def acks(clients: list[Client]) -> int:
    return sum(len(client.record.acked) for client in clients)


def catch_up(data: Path) -> None:
    """Until the poster has posted all that is durable."""
    reader = JournalReader(DataDir(data))
    try:
        last = reader.durable_seq()
    finally:
        reader.close()
    until(lambda: Snapshot.take(DataDir(data)).cursor >= last, POSTING_S, f"event {last} is not posted")


def holds_exactly_once(data: Path, acked: set[str], sent: set[str]) -> None:
    """All that was acked is there, nothing else than what was sent is, each span once, and each costs what it costs."""
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


def rebuild_equals_live(data: Path) -> None:
    live = digests(DataDir(data))
    rebuild(DataDir(data), decode, same_span, clock=SystemClock(), progress=lambda *_: None)
    assert digests(DataDir(data)) == live


@pytest.mark.timeout(120)
def test_sigterm_under_load_drains_and_loses_nothing(tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        clients: list[Client] = [BareClient(one.grpc), BareClient(one.grpc), SdkClient(one.grpc)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        code, seconds = one.terminate()
        one.start()
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    assert code == 0
    assert seconds <= DRAIN_S
    acked = set.union(*(record.acked_ids() for record in records))
    sent = set.union(*(record.sent_ids() for record in records))
    holds_exactly_once(one.data, acked, sent)

"""Power cuts of the whole service under load, on a file system of its own: nothing acked is lost, nothing counts twice.

Some cuts come when a part of what was not synced has reached the disk already, in any order: frames behind a hole, torn
frames, names without data. The program that does not sync shows that the test has teeth.
"""

import json
import random
import statistics
from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from queries.connect import connect
from tests.durability.disks import LoopDisk, freeze, loop_disk, needs_loop, write_back_some
from tests.durability.load import SMALL_FILES, BareClient, Client, Record, SdkClient
from tests.durability.proof import (
    catch_up,
    cursor_is_within_the_journal,
    holds_exactly_once,
    holds_so_far,
    rebuild_equals_live,
    wait_for_acks,
)
from tests.service import Service, service

pytestmark = [pytest.mark.durability, needs_loop]

FAULTY = str(Path(__file__).with_name("faulty"))
DISK_MIB = 2048
"""Room for the ledger, what merges replaced in the last ten minutes, and the second ledger of a rebuild."""
BATCHES_MAX = 60
"""Acks between two cuts: at least 1, at most so many."""
CONTROL_BATCHES = 200


def cut_power(disk: LoopDisk, one: Service, rng: random.Random) -> None:
    """At this moment, then end the processes and mount what is left."""
    freeze(one.members())
    if rng.random() < 0.5:
        write_back_some(one.data, rng)
    disk.cut_power(log_flush=rng.random() < 0.3)
    one.kill()
    disk.unmount()
    disk.mount()


@pytest.mark.parametrize(
    ("cuts", "seed", "sync_ms"),
    [
        pytest.param(5, 1, "0", marks=pytest.mark.timeout(240)),
        pytest.param(5, 2, "30", marks=pytest.mark.timeout(240)),
        pytest.param(50, 3, "0", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
        pytest.param(50, 4, "30", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_power_cuts_under_load_lose_and_double_nothing(cuts: int, seed: int, sync_ms: str, tmp_path: Path) -> None:
    """With a sync that begins late, a group lies unsynced at nearly every moment; without, few of them do."""
    rng, starts = random.Random(seed), []
    environment = {"PYTHONPATH": FAULTY, "TEST_SYNC": sync_ms}
    with (
        loop_disk(tmp_path, DISK_MIB) as disk,
        service(tmp_path, disk.target / "data", settings=SMALL_FILES, environment=environment) as one,
    ):
        one.start()
        clients: list[Client] = [BareClient(one.grpc), BareClient(one.grpc), SdkClient(one.grpc)]
        for client in clients:
            client.start()
        for _ in range(cuts):
            wait_for_acks(clients, rng.randrange(1, BATCHES_MAX))
            cut_power(disk, one, rng)
            starts.append(one.start())
            holds_so_far(one.data, [client.record for client in clients])
            cursor_is_within_the_journal(one.data)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
        holds_exactly_once(one.data, records)
        rebuild_equals_live(one.data)
        report(one.data, records, starts)


def report(data: Path, records: list[Record], starts: list[float]) -> None:
    acked = sum(len(record.acked_ids()) for record in records)
    torn = [bytes_ for bytes_ in torn_tails(data) if bytes_]
    print(
        f"{len(starts)} power cuts, {acked} spans acked, 0 lost, 0 doubled; {len(torn)} torn tails of up to "
        f"{max(torn, default=0)} bytes; starts {statistics.median(starts):.2f} s median, {max(starts):.2f} s most"
    )
    assert acked


def torn_tails(data: Path) -> list[int]:
    """What each start had to cut off the end of the journal, in bytes."""
    with JournalReader(DataDir(data)) as reader:
        last, seq, found = reader.durable_seq(), -1, []
        while seq < last:
            for event in reader.read(seq, events_max=1000, bytes_max=1 << 24):
                seq = event.event_seq
                if event.kind == "restart":
                    found.append(json.loads(event.body)["cut_bytes"])
    return found


def test_a_service_that_does_not_sync_loses_acked_spans(tmp_path: Path) -> None:
    with (
        loop_disk(tmp_path, DISK_MIB) as disk,
        service(tmp_path, disk.target / "data", environment={"PYTHONPATH": FAULTY, "TEST_SYNC": "none"}) as one,
    ):
        one.start()
        clients = [BareClient(one.grpc), BareClient(one.grpc)]
        for client in clients:
            client.start()
        wait_for_acks(clients, CONTROL_BATCHES)
        freeze(one.members())
        disk.cut_power()
        one.kill()
        acked = set().union(*(client.finish().acked_ids() for client in clients))
        disk.unmount()
        disk.mount()
        lost = acked - still_there(one)
        print(f"control without syncs: {len(lost)} of {len(acked)} acked spans lost by one power cut")
    assert lost


def still_there(one: Service) -> set[str]:
    """What the service makes of the rest; nothing where it cannot even start on it."""
    one.environment = {}
    try:
        one.start()
    except AssertionError:
        return set()
    try:
        catch_up(one.data)
        with connect(DataDir(one.data)) as connection:
            return {row[0] for row in connection.execute("SELECT span_id FROM spans").fetchall()}
    except LedgerError:
        return set()

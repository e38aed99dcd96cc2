"""SDKs with their defaults lose nothing while the service cannot take what they send, for as long as they can wait.

The phases are made, not hoped for: the journal's disk is stuck or full from before the call until so many seconds after
it came, or the collector is one that refuses at once.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.collector import Collector, CollectorOptions
from ingest.decode import decode
from ledger.journal.append import JournalWriter
from ledger.journal.kinds import OTLP_TRACES
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
from tests.durability.brake import Brake, BrakedDisk
from tests.durability.proof import catch_up, holds_exactly_once
from tests.durability.sdks import Batch, Stream, endpoint, one_batch
from tests.e2e.javascript import javascript_sdk
from tests.service import service, until

pytestmark = [pytest.mark.durability, pytest.mark.timeout(180)]

THROUGH_FIVE_SECONDS = ("Python gRPC", "Python HTTP", "JS HTTP protobuf", "JS HTTP JSON")
ARRIVES_S = 60.0


@contextmanager
def braked(data: Path, hold_s: float) -> Iterator[tuple[Collector, Brake, str, str]]:
    clock, brake = SystemClock(), Brake()
    with JournalWriter.open(DataDir(data), clock=clock, rng=SystemRng(), disk=BrakedDisk(brake)) as journal:
        options = CollectorOptions(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0", hold_s=hold_s)
        collector = Collector(DataDir(data), options, journal, clock=clock)
        addresses = collector.start()
        try:
            yield collector, brake, addresses.otlp_grpc, addresses.otlp_http
        finally:
            brake.release()
            collector.stop()


def through(client: str, trouble: str, hold_s: float, seconds: float, data: Path) -> Batch:
    """What became of one batch of `client` whose first call met `trouble`, which lasted `seconds` from then on."""
    with braked(data, hold_s) as (_, brake, grpc_address, http_address), ThreadPoolExecutor(1) as pool:
        brake.pull(trouble)
        sending = pool.submit(one_batch, client, endpoint(client, grpc_address, http_address))
        assert brake.touched.wait(ARRIVES_S)
        threading.Event().wait(seconds)  # the length of the trouble is what is tested
        brake.release()
        batch = sending.result(timeout=60)
    assert journalled(data) == set(batch.ids)
    return batch


def journalled(data: Path) -> set[str]:
    with JournalReader(DataDir(data)) as reader:
        events = reader.read(-1, events_max=1000, bytes_max=1 << 24)
    spans = decode([event for event in events if event.kind == OTLP_TRACES]).spans
    return {span_id.hex() for span_id in spans["span_id"].to_pylist()}


def all_through(clients: tuple[str, ...], trouble: str, hold_s: float, seconds: float, tmp_path: Path) -> None:
    """All clients at a time, each against a collector of its own."""
    if any(client.startswith("JS") for client in clients):
        javascript_sdk()
    with ThreadPoolExecutor(len(clients)) as pool:
        tasks = {
            client: pool.submit(through, client, trouble, hold_s, seconds, tmp_path / client.replace(" ", "-"))
            for client in clients
        }
        lost = {client: not task.result().acked for client, task in tasks.items()}
    for client, is_lost in lost.items():
        print(f"{client} | disk {trouble} {seconds} s, held {hold_s} s | lost {int(is_lost)} of 1")
    assert not any(lost.values()), lost


@pytest.mark.parametrize(
    ("trouble", "hold_s"),
    [
        pytest.param("full", 0.0, id="refused-at-once"),
        pytest.param("full", 5.0, id="disk-full", marks=pytest.mark.long),
        pytest.param("stuck", 5.0, id="disk-stuck", marks=pytest.mark.long),
    ],
)
def test_five_seconds_of_overload_lose_nothing_of_an_sdk_that_retries(
    trouble: str, hold_s: float, tmp_path: Path
) -> None:
    all_through(THROUGH_FIVE_SECONDS, trouble, hold_s, 5.0, tmp_path)


@pytest.mark.parametrize("trouble", ["stuck", "full"])
def test_four_seconds_lose_nothing_of_an_sdk_that_never_retries(trouble: str, tmp_path: Path) -> None:
    """Its calls are held and not refused; JavaScript's gRPC exporter drops whatever is refused."""
    all_through(("JS gRPC",), trouble, CollectorOptions().hold_s, 4.0, tmp_path)


@pytest.mark.long
def test_three_seconds_without_a_service_lose_nothing_of_the_python_sdks(tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        streams = [Stream(kind, endpoint(kind, one.grpc, one.http)) for kind in ("Python gRPC", "Python HTTP")]
        for stream in streams:
            stream.start()
        until(lambda: all(len(stream.batches) > 20 for stream in streams), 60, "no batches")
        one.kill()
        threading.Event().wait(3.0)  # the outage
        one.start()
        marks = [len(stream.batches) + 20 for stream in streams]
        until(lambda: all(len(s.batches) > m for s, m in zip(streams, marks, strict=True)), 60, "no batches after it")
        records = [stream.finish() for stream in streams]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    lost = {stream.kind: sum(not batch.acked for batch in stream.batches) for stream in streams}
    print(f"killed, 3 s down: lost {lost} of {[len(stream.batches) for stream in streams]} batches")
    holds_exactly_once(one.data, records)
    assert set(lost.values()) == {0}, lost

"""More load than the service can take: each batch is acked and durable, or refused with a word to come again."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from ingest.decode import decode, same_span, spans_in
from ingest.options import CollectorOptions
from ledger.paths import DataDir
from ledger.post.poster import Poster
from ledger.seams import SystemClock
from tests.durability.crowd import OK, UNAVAILABLE, Crowd, Watch, request, stored
from tests.durability.load import EXPORT
from tests.durability.proof import catch_up
from tests.ingest.doors import grpc_failure
from tests.service import in_time, service

pytestmark = [pytest.mark.durability, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
COLLECTOR_IDLE_BYTES = 80 * MIB
COLLECTOR_BYTES_MAX = CollectorOptions().memory_bytes_max + COLLECTOR_IDLE_BYTES
"""The budget of requests and what a collector without any takes."""
SERVICE_BYTES_MAX = 1024 * MIB
DISK_BYTES_S = 10_000_000
"""A little less with the time that each sync takes at least."""
TIMES_TOO_MUCH = 10
AGAIN_AS_BEFORE_S = 1.0
ACK_P99_S = 3.0
"""The goal is 1 s; the largest request alone takes this disk 0.4 s, and it is known only from its first second."""


@contextmanager
def on_a_slow_disk(data: Path, options: str) -> Iterator[tuple[int, str, str]]:
    command = [sys.executable, "-m", "tests.durability.brake", str(data), str(DISK_BYTES_S), options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield (process.pid, *process.stdout.readline().split())
        finally:
            process.stdin.close()
            assert process.wait(timeout=30) == 0


def acks_at_once(address: str) -> float:
    """Seconds that one small request takes."""
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        began = time.monotonic()
        channel.unary_unary(EXPORT)(request(b"\2" * 16, b"after it", 0), timeout=10)
        return time.monotonic() - began


def each_is_acked_and_there_or_refused(crowd: Crowd, data: Path) -> None:
    """Sent = acked + refused; all that was acked is in SQL, once; nothing is there that was not sent."""
    assert set(crowd.answers.values()) <= {OK, UNAVAILABLE}
    found = stored(data)
    assert len(found) == len(set(found))
    assert crowd.with_answer(OK) - set(found) == set()
    assert set(found) - {span_id.hex() for span_id in crowd.answers} <= {b"after it".hex()}


@pytest.mark.parametrize("seconds", [4.0, pytest.param(10.0, marks=pytest.mark.long)])
def test_a_disk_ten_times_too_slow_loses_no_batch_and_fills_no_memory(seconds: float, tmp_path: Path) -> None:
    with on_a_slow_disk(tmp_path, "{}") as (pid, grpc_address, http_address):
        offered_bytes_s = 1.3 * TIMES_TOO_MUCH * DISK_BYTES_S  # more than is asserted: some clients wait for an ack
        crowd, watch = Crowd(grpc_address, http_address, offered_bytes_s), Watch(pid)
        watch.start()
        crowd.run(seconds)
        again_s = acks_at_once(grpc_address)
        peak_bytes = watch.finish()
    times = crowd.sent_bytes / crowd.took_s / DISK_BYTES_S
    print(
        f"disk of {DISK_BYTES_S / 1e6} MB/s, offered {times:.1f} times that: {crowd.said()}; "
        f"collector {peak_bytes >> 20} MiB; then acked in {again_s:.3f} s"
    )
    poster = Poster(DataDir(tmp_path), decode, same_span, clock=SystemClock(), spans_in=spans_in)
    while poster.step():
        pass
    poster.close()
    each_is_acked_and_there_or_refused(crowd, tmp_path)
    assert crowd.with_answer(OK)
    assert crowd.with_answer(UNAVAILABLE)
    assert times >= TIMES_TOO_MUCH
    assert peak_bytes <= COLLECTOR_BYTES_MAX
    in_time("the 99th percentile of acks", crowd.p99_s(), ACK_P99_S)
    assert again_s <= AGAIN_AS_BEFORE_S


@pytest.mark.long
def test_the_whole_service_short_of_processors_loses_no_batch_and_fills_no_memory(tmp_path: Path) -> None:
    burn = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        with service(tmp_path) as one:
            one.start()
            processes = one.children()
            watches = [Watch(processes[name].pid) for name in ("collector", "poster")]
            crowd = Crowd(one.grpc, one.http)
            for watch in watches:
                watch.start()
            crowd.run(10.0)
            again_s = acks_at_once(one.grpc)
            catch_up(one.data)
            collector, poster = (watch.finish() for watch in watches)
            assert one.terminate()[0] == 0
    finally:
        for one_burner in burn:
            one_burner.kill()
            one_burner.wait()
    print(
        f"whole service: {crowd.said()}; collector {collector >> 20}, poster {poster >> 20} MiB; then {again_s:.3f} s"
    )
    each_is_acked_and_there_or_refused(crowd, one.data)
    assert collector <= COLLECTOR_BYTES_MAX
    assert collector + poster <= SERVICE_BYTES_MAX


def test_two_senders_that_stall_do_not_stop_the_others(tmp_path: Path) -> None:
    """A call reserves memory for the largest request before it is read, and there is room for one such at a time."""
    with on_a_slow_disk(tmp_path, "{}") as (_, grpc_address, _http), grpc.insecure_channel(grpc_address) as channel:
        stalls = [channel.stream_unary(EXPORT).future(never(), timeout=60) for _ in range(2)]
        began = time.monotonic()
        channel.unary_unary(EXPORT)(request(b"\2" * 16, b"after it", 0), timeout=20)
        seconds = time.monotonic() - began
        assert seconds < CollectorOptions().hold_s
        failed = [grpc_failure(stall.exception(timeout=30)).code for stall in stalls]
        assert failed == [UNAVAILABLE, UNAVAILABLE]


def never() -> Iterator[bytes]:
    """A body that does not come; ends with the channel."""
    import threading

    threading.Event().wait(30)
    yield b""

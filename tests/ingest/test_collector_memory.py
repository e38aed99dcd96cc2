"""What a collector process takes at most, whatever is sent: measured from outside, at the real limits."""

import gzip
import http.client
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
import pytest

from tests.ingest import otlp
from tests.ingest.doors import JSON, PROTOBUF, SIGNAL, grpc_failure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MIB = 1 << 20
RSS_MAX = 704 * MIB
"""Of the 1 GiB that collector and poster may take together: the budget of 512 MiB, 50 at rest, and what the allocator
has not given back yet. 24 storms of the largest requests took 365 to 621, idle and beside three busy processes."""

SERVE = """
import sys, pathlib
from ingest.collector import Collector, CollectorOptions
from ledger.journal.append import JournalWriter
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
data = DataDir(pathlib.Path(sys.argv[1]))
with JournalWriter.open(data, clock=SystemClock(), rng=SystemRng()) as journal:
    options = CollectorOptions(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")
    collector = Collector(data, options, journal, clock=SystemClock())
    addresses = collector.start()
    print(addresses.otlp_grpc, addresses.otlp_http, flush=True)
    sys.stdin.read()
    collector.stop()
"""


@dataclass
class Served:
    """A collector in a process of its own, and the most memory it was seen with."""

    process: psutil.Process
    otlp_grpc: str
    otlp_http: str
    rss_peak: int = 0

    def watch(self, over: threading.Event) -> None:
        while not over.wait(0.02):
            self.rss_peak = max(self.rss_peak, self.process.memory_info().rss)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        served = Served(psutil.Process(process.pid), *process.stdout.readline().split())
        over = threading.Event()
        watching = threading.Thread(target=served.watch, args=(over,))
        watching.start()
        yield served
        over.set()
        watching.join()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def storm(served: Served, bodies: Callable[[int], bytes], calls: int, threads: int) -> Counter[str]:
    """Send over gRPC and count the answers."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(served.otlp_grpc, options=options) as channel:
        call = channel.unary_unary(f"/{SIGNAL['traces'].service}/Export")

        def send(n: int) -> str:
            try:
                call(bodies(n), timeout=120)
            except grpc.RpcError as error:
                return grpc_failure(error).code
            return "OK"

        with ThreadPoolExecutor(threads) as pool:
            return Counter(pool.map(send, range(calls)))


def test_sixty_four_requests_of_empty_spans(served: Served) -> None:
    body = otlp.field(1, otlp.field(2, b"\x12\x00" * (2 * MIB - 16)))
    answers = storm(served, lambda _: body, calls=64, threads=64)
    # Those that a busy machine did not come to within their hold are told to come again.
    assert set(answers) <= {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}
    assert answers["RESOURCE_EXHAUSTED"]
    assert served.rss_peak < RSS_MAX


def test_requests_at_the_size_limit_come_through_one_after_the_other(served: Served) -> None:
    body = otlp.envelope(otlp.ids() + otlp.string_attribute(b"gen_ai.prompt", b"x" * (63 * MIB)))
    answers = storm(served, lambda _: body, calls=12, threads=12)
    assert set(answers) <= {"OK", "UNAVAILABLE"}
    assert answers["OK"] >= 3
    assert served.rss_peak < RSS_MAX


SHAPES = {
    "empty attributes": otlp.field(9, b""),
    "empty events": otlp.field(11, b""),
    "values": otlp.field(9, otlp.field(2, otlp.field(5, otlp.field(1, b"") * 50))),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_large_requests_of_tiny_things_are_refused(served: Served, shape: str) -> None:
    piece = SHAPES[shape]
    body = otlp.envelope(otlp.ids() + piece * (8 * MIB // len(piece)))
    answers = storm(served, lambda _: body, calls=2, threads=2)
    assert set(answers) <= {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}
    assert served.rss_peak < RSS_MAX


def test_json_that_unfolds_is_held_to_the_same_budget(served: Served) -> None:
    def send(body: bytes) -> int:
        host, _, port = served.otlp_http.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=120)
        connection.request("POST", "/v1/traces", body, {"Content-Type": JSON})
        status = connection.getresponse().status
        connection.close()
        return status

    bomb = b'{"resourceSpans":[' + b"{}," * (16 * MIB) + b"{}]}"
    large = b'{"resourceSpans":[' + b",".join([b'{"schemaUrl":"' + b"x" * 200 + b'"}'] * 50_000) + b"]}"
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(send, [bomb, large] * 4))
    assert statuses[413]
    assert set(statuses) <= {200, 413, 503}
    assert statuses[200] <= 4
    assert served.rss_peak < RSS_MAX


def test_gzip_bombs_are_held_to_the_same_budget(served: Served) -> None:

    bomb = gzip.compress(bytes(65 * MIB), 9)

    def send(_: int) -> int:
        host, _, port = served.otlp_http.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=120)
        connection.request("POST", "/v1/traces", bomb, {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(send, range(16)))
    assert set(statuses) <= {413, 503}
    assert served.rss_peak < RSS_MAX

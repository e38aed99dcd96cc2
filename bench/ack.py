"""Acked durable spans a second over OTLP/gRPC, against a bare server that only appends and syncs the same bytes.

Both servers are processes of their own; this process is the load generator, on the same machine, so the two share its
processors with them. Rounds alternate, so that a slow minute of the disk hits both. The figure is the ratio.

    python -m bench.ack [--shape runs-meta] [--seconds 5] [--rounds 3] [--in-flight 16]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from bench.facts import ROOT, header, spread
from bench.servers import EXPORT, SERVERS
from bench.workload import SHAPES, requests

REQUEST_SPANS = 512
DISTINCT_REQUESTS = 56
"""Bodies that take turns; the collector does not look at ids across requests, so their repetition changes nothing."""


@dataclass(frozen=True)
class Round:
    spans_s: float
    bytes_s: float
    p50_ms: float
    p99_ms: float
    errors: int


@contextmanager
def server(kind: str) -> Iterator[str]:
    """Address of a fresh server process with an empty directory on the disk of the working directory."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
        command = [sys.executable, "-m", "bench.servers", kind, folder]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield json.loads(process.stdout.readline())["address"]
            finally:
                process.communicate("", timeout=60)


class Generator:
    """Keeps `in_flight` requests under way until the time is over."""

    def __init__(self, bodies: list[bytes], in_flight: int) -> None:
        self.bodies = deque(bodies)
        self.slots = threading.Semaphore(in_flight)
        self.in_flight = in_flight
        self.latencies_s: list[float] = []
        self.sent_bytes = 0
        self.errors = 0

    def run(self, address: str, seconds: float) -> Round:
        with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
            export: Any = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
            export(self.bodies[0], timeout=30, wait_for_ready=True)
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                self.slots.acquire()
                self.send(export, self.bodies[0])
                self.bodies.rotate(-1)
            for _ in range(self.in_flight):
                self.slots.acquire()
            took = time.perf_counter() - began
        return self.result(took)

    def send(self, export: Any, body: bytes) -> None:
        sent = time.perf_counter()
        call = export.future(body, timeout=60)
        call.add_done_callback(lambda done: self.answered(done, sent, len(body)))

    def answered(self, call: Any, sent: float, length: int) -> None:
        if call.exception() is None:
            self.latencies_s.append(time.perf_counter() - sent)
            self.sent_bytes += length
        else:
            self.errors += 1
        self.slots.release()

    def result(self, took: float) -> Round:
        parts = statistics.quantiles(self.latencies_s, n=100)
        return Round(
            spans_s=len(self.latencies_s) * REQUEST_SPANS / took,
            bytes_s=self.sent_bytes / took,
            p50_ms=parts[49] * 1000,
            p99_ms=parts[98] * 1000,
            errors=self.errors,
        )


def measure(arguments: argparse.Namespace) -> dict[str, list[Round]]:
    bodies = list(requests(SHAPES[arguments.shape], DISTINCT_REQUESTS * REQUEST_SPANS, request_spans=REQUEST_SPANS))
    rounds: dict[str, list[Round]] = {kind: [] for kind in SERVERS}
    for _ in range(arguments.rounds):
        for kind, results in rounds.items():
            with server(kind) as address:
                results.append(Generator(bodies, arguments.in_flight).run(address, arguments.seconds))
    return rounds


def report(rounds: dict[str, list[Round]]) -> None:
    for kind, results in rounds.items():
        print(kind)
        print("  acked spans/s ", spread([one.spans_s for one in results]))
        print("  MB/s          ", spread([one.bytes_s / 1e6 for one in results]))
        print("  ack p50, ms   ", spread([one.p50_ms for one in results]))
        print("  ack p99, ms   ", spread([one.p99_ms for one in results]))
        print("  errors        ", sum(one.errors for one in results))
    ratios = [a.spans_s / b.spans_s for a, b in zip(rounds["collector"], rounds["bare"], strict=True)]
    print(f"ratio collector : bare   {statistics.median(ratios):.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description="Acked durable spans a second over OTLP/gRPC")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="runs-meta")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-flight", type=int, default=16)
    arguments = parser.parse_args()
    print(header())
    report(measure(arguments))


if __name__ == "__main__":
    main()

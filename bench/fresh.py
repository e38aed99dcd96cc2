"""Freshness: how long after its ack a span is in the answers of the real service, idle and under a steady load.

One span at a time is sent over OTLP/gRPC; from its ack on the API is asked for its run, again and again. So the figure
holds the poster's wait, the posting, the commit, and the connection that is shown it, and the asking itself.

    python -m bench.fresh [--times 100] [--load 10000]
"""

import argparse
import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from bench.facts import ROOT, header
from bench.servers import EXPORT
from bench.service import Service, serving
from bench.spans import AGENT, Batch, encode, request
from bench.workload import SHAPES, random_ids, requests
from ledger.calls.ids import field, run

ASK_EVERY_S = 0.02
GIVE_UP_S = 60.0
REQUEST_SPANS = 512


def span_of_its_own(rng: np.random.Generator) -> tuple[bytes, str]:
    """A request with one agent's span, and the id of the run that it is the top of."""
    trace_id, span_id, now = random_ids(rng, 1, 16), random_ids(rng, 1, 8), np.array([time.time_ns()])
    batch = Batch(trace_id, span_id, None, now - 10**9, now, np.zeros(1, np.int64))
    key = field(trace_id.tobytes() + span_id.tobytes())
    run_id = sha256(run("default", "agent") + key).hexdigest()[:32]
    return request(0, list(encode(rng, AGENT, 0, False, batch))), run_id


def waits(service: Service, times: int, rng: np.random.Generator) -> list[float]:
    """Seconds from each ack until the API knew the run."""
    seconds = []
    with grpc.insecure_channel(service.otlp_grpc) as channel:
        export: Any = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
        for _ in range(times):
            body, run_id = span_of_its_own(rng)
            export(body, timeout=30, wait_for_ready=True)
            seconds.append(until_known(service.api, run_id))
            time.sleep(float(rng.uniform(0, 0.1)))  # so that the commits' rhythm is not followed
    return seconds


def until_known(api: str, run_id: str) -> float:
    acked = time.monotonic()
    connection = http.client.HTTPConnection(api, timeout=GIVE_UP_S)
    while time.monotonic() - acked < GIVE_UP_S:
        connection.request("GET", f"/api/v1/runs/{run_id}")
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            connection.close()
            return time.monotonic() - acked
        time.sleep(ASK_EVERY_S)
    raise SystemExit(f"run {run_id} was acked {GIVE_UP_S:g} s ago and is not there")


@contextmanager
def load(service: Service, spans_s: int) -> Iterator[None]:
    """`spans_s` spans a second from a thread of this process, evenly; each new to the ledger."""
    stop = threading.Event()

    def send() -> None:
        with grpc.insecure_channel(service.otlp_grpc) as channel:
            export: Any = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
            began = time.monotonic()
            for number, body in enumerate(requests(SHAPES["runs-meta"], 1 << 40, request_spans=REQUEST_SPANS)):
                if stop.wait(max(0.0, began + number * REQUEST_SPANS / spans_s - time.monotonic())):
                    return
                export(body, timeout=60)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def measure(times: int, spans_s: int) -> tuple[list[float], list[float], float]:
    """Waits of an idle service, waits under load, and the memory of collector and poster at its peak, MiB."""
    rng = np.random.default_rng(3)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder, serving(Path(folder)) as service:
        idle = waits(service, times, rng)
        with load(service, spans_s):
            busy = waits(service, times, rng)
        return idle, busy, service.peak_mib()


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.99))]


def main() -> None:
    parser = argparse.ArgumentParser(description="How long after its ack a span is in the answers")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--load", type=int, default=10_000, help="spans a second sent beside, in the second part")
    arguments = parser.parse_args()
    print(header())
    idle, busy, peak_mib = measure(arguments.times, arguments.load)
    for what, seconds in (("idle", idle), (f"beside {arguments.load:,} spans/s", busy)):
        figures = [statistics.median(seconds), p99(seconds), max(seconds)]
        print(
            f"{what:28}",
            "  ".join(f"{n} {s * 1e3:,.0f} ms" for n, s in zip(("p50", "p99", "most"), figures, strict=True)),
        )
    print(f"{'collector and poster, MiB':28} {peak_mib:,.0f}")


if __name__ == "__main__":
    main()

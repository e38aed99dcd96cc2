"""CPU time from request bytes to rows of `spans`, on one core: `python -m bench.decode`."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from bench.workload import SHAPES, requests
from ingest.decode import decode
from ingest.decode.fast import read_fast
from ingest.decode.request_schema import handler
from ingest.decode.walk import read_walk

SPANS = 10_240
REPEATS = 7


@dataclass(frozen=True)
class Request:
    """What of a journal event the decoder looks at."""

    event_seq: int
    body: bytes
    received_ns: int = 0
    tenant: str = "default"
    content_type: str = "application/x-protobuf"
    kind: str = "otlp.traces"


def main() -> None:
    pa.set_cpu_count(1)
    for name, shape in SHAPES.items():
        bodies = list(requests(shape, SPANS))
        events = [Request(seq, body) for seq, body in enumerate(bodies)]
        spans = decode(events).spans.num_rows
        print(f"{name}: {spans} spans, {sum(map(len, bodies)) / spans:.0f} bytes a span")
        for step, run in _steps(bodies, events).items():
            times = sorted(_cpu_s(run) / spans * 1e6 for _ in range(REPEATS))
            print(f"  {step:<28} {statistics.median(times):6.2f} us a span ({times[0]:.2f} to {times[-1]:.2f})")


def _steps(bodies: list[bytes], events: Sequence[Request]) -> dict[str, Callable[[], object]]:
    return {
        "ptars alone": lambda: handler().list_to_record_batch(bodies),
        "ptars, values as text": lambda: read_fast(bodies),
        "all: rows of spans": lambda: decode(events),
        "opentelemetry-proto's objects": lambda: read_walk(bodies),
    }


def _cpu_s(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


if __name__ == "__main__":
    main()

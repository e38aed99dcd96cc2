"""What the store costs: commits, flushes, Parquet bytes a span, and probes of the index of known traces.

python -m bench.store [--spans 20000] [--commits 10] [--content 0] [--pairs 10000000]
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from ledger.paths import DataDir
from ledger.schema import ARROW
from ledger.seams import SystemClock
from ledger.store import traces
from ledger.store.catalog import Catalog
from ledger.store.options import StoreOptions

START_NS = 1_700_000_000 * 10**9
RUN_SPANS = 50


def spans(rng: np.random.Generator, seq: int, count: int, content_bytes: int) -> pa.Table:
    """One commit of spans: runs of 50, half of them model calls; text columns from small sets, ids random."""
    schema = ARROW["spans"]
    which = np.arange(count) // RUN_SPANS
    start = START_NS + seq * 10**9 + rng.integers(0, 10**9, count)
    model = np.arange(count) % 2 == 0
    columns = {
        "tenant": np.full(count, "default"),
        "trace_id": fixed(rng.bytes(16 * (which[-1] + 1)), 16).take(pa.array(which)),
        "span_id": fixed(rng.bytes(8 * count), 8),
        "parent_span_id": fixed(rng.bytes(8 * count), 8),
        "name": np.where(model, "chat gpt-5", "execute_tool search"),
        "span_kind": np.where(model, "client", "internal"),
        "operation": np.where(model, "chat", "tool"),
        "start_ns": start,
        "end_ns": start + rng.integers(10**6, 10**9, count),
        "status": np.full(count, "ok"),
        "service_name": np.array([f"service-{n}" for n in range(7)])[which % 7],
        "environment": np.full(count, "prod"),
        "agent_name": pa.array(np.array([f"agent-{n}" for n in range(7)])[which % 7]),
        "request_model": pa.array(np.full(count, "gpt-5"), mask=~model),
        "input_tokens": pa.array(rng.integers(100, 9000, count), mask=~model),
        "output_tokens": pa.array(rng.integers(1, 900, count), mask=~model),
        "input": pa.array([text(rng, content_bytes) for _ in range(count)]) if content_bytes else None,
        "attributes": [[("server.address", "api.example.com"), ("gen_ai.request.temperature", "0.2")]] * count,
        "resource": [[("service.name", "shop"), ("telemetry.sdk.language", "python")]] * count,
        "dialect": np.full(count, "otel_gen_ai"),
        "received_ns": np.full(count, START_NS + seq * 10**9),
        "source_seq": np.full(count, seq),
        "span_index": np.arange(count, dtype=np.int32),
    }
    arrays = [
        pa.nulls(count, field.type) if columns.get(field.name) is None else cast(columns[field.name], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def cast(values: object, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def fixed(raw: bytes, width: int) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(width), len(raw) // width, [None, pa.py_buffer(raw)])


WORDS = np.array([f"{a}{b}" for a in ("con", "pro", "re", "de", "in") for b in ("tain", "vide", "sult", "fer", "duct")])


def text(rng: np.random.Generator, size: int) -> str:
    return " ".join(WORDS[rng.integers(0, len(WORDS), size // 7)])


def event(seq: int) -> pa.Table:
    row = {"event_seq": seq, "kind": "otlp.traces", "received_ns": START_NS + seq * 10**9, "effective": True}
    return pa.Table.from_pylist([row], schema=ARROW["events"])


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def report(what: str, seconds: list[float], per: int) -> None:
    each = sorted(second / per * 1e6 for second in seconds)
    print(f"{what:32} {statistics.median(each):8.3f} us (from {each[0]:.3f} to {each[-1]:.3f}, {len(each)} times)")


def measure_commits(count: int, commits: int, content_bytes: int) -> None:
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as root:
        data = DataDir(Path(root))
        catalog = Catalog.open(data, clock=SystemClock(), options=StoreOptions(flush_rows=1 << 40, flush_age_s=1e9))
        times: dict[str, list[float]] = {"commit": [], "flush": []}
        for seq in range(commits):
            rows = {"spans": spans(rng, seq, count, content_bytes), "events": event(seq)}
            hashes = np.unique(traces.trace_hashes(rows["spans"]["tenant"], rows["spans"]["trace_id"]))
            pairs = (hashes, np.full(len(hashes), seq))
            times["commit"].append(
                timed(lambda: catalog.commit(cursor=seq, rows=rows, traces=pairs, keys={}, state={}))  # noqa: B023
            )
            times["flush"].append(timed(catalog.flush))
        for what, seconds in times.items():
            report(f"{what}, per span", seconds, count)
        size = sum(path.stat().st_size for path in (data.ledger / "segments" / "spans").rglob("*.parquet"))
        print(f"{'Parquet, per span':32} {size / count / commits:8.1f} bytes")
        report("merge, per span", [timed(catalog.tidy)], StoreOptions().segment_fan_in * count)
        catalog.close()


def measure_probes(pairs: int) -> None:
    rng = np.random.default_rng(2)
    batch = 20_000
    with tempfile.TemporaryDirectory() as root:
        clock, options = SystemClock(), StoreOptions()
        catalog = Catalog.open(DataDir(Path(root)), clock=clock, options=options)
        step = 500_000
        for seq in range(pairs // step):
            hashes = rng.integers(0, 2**64, step, dtype=np.uint64)
            catalog.commit(
                cursor=seq, rows={"events": event(seq)}, traces=(hashes, np.full(step, seq)), keys={}, state={}
            )
            catalog.flush()
            catalog.tidy()
        runs = len(list((Path(root) / "ledger" / "traces").glob("*.run")))
        fresh = [rng.integers(0, 2**64, batch, dtype=np.uint64) for _ in range(10)]
        report(f"probe of {pairs:,}, per trace", [timed(lambda: catalog.probe(one)) for one in fresh], batch)  # noqa: B023
        print(f"{'trace runs on disk':32} {runs:8}")
        catalog.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=20_000, help="spans in a commit")
    parser.add_argument("--commits", type=int, default=16, help="at least 16, or there is nothing to merge")
    parser.add_argument("--content", type=int, default=0, help="bytes of prompt in each span")
    parser.add_argument(
        "--pairs", type=int, default=10_000_000, help="known (trace, event) pairs when probing; 0: none"
    )
    options = parser.parse_args()
    measure_commits(options.spans, options.commits, options.content)
    if options.pairs:
        measure_probes(options.pairs)
    print(f"{'most memory':32} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:8} MiB")


if __name__ == "__main__":
    main()

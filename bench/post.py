"""Posted spans a second: from the journal to committed rows, charges and rollups, on one core.

Each round is a process of its own with a journal of its own, so that neither memory nor caches are inherited. Spans a
second of processor time is the figure; wall time stands beside it. `--yardstick` also times pyarrow's `write_table` of
the same spans, already decoded: what cannot be avoided.

    python -m bench.post [--shape runs-meta ...] [--spans 200000] [--rounds 3] [--yardstick]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq

from bench.facts import ROOT, header, spread
from bench.workload import SHAPES, requests
from ingest.decode import decode, same_span, spans_in
from ledger.books.book import seed_body
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_TRACES, PRICE_BOOK_PUBLISHED
from ledger.journal.options import DEFAULTS, JournalOptions
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post.poster import Poster
from ledger.seams import Clock, SystemClock, SystemRng
from spanledger.processes.memory import ENVIRONMENT

DEFAULT_SHAPES = ("runs-meta", "runs-content", "apart-meta")
MIB = 1 << 20
AHEAD = 32
"""Requests appended without waiting for their sync, so that filling the journal does not take the time of the test."""

CLOCK = SystemClock()

Measures = dict[str, float]


def fill(data: DataDir, bodies: Iterable[bytes], clock: Clock = CLOCK, options: JournalOptions = DEFAULTS) -> int:
    """Journals every body; the bytes in all."""
    seed = [Draft(kind=PRICE_BOOK_PUBLISHED, body=seed_body(), key="price_book:seed")]
    writer = JournalWriter.open(data, clock=clock, rng=SystemRng(), seed=seed, options=options)
    total, pending = 0, []
    for body in bodies:
        draft = Draft(kind=OTLP_TRACES, body=body, transport="grpc", content_type="application/x-protobuf")
        pending.append(writer.submit(draft))
        total += len(body)
        if len(pending) >= AHEAD:
            pending.pop(0).result()
    for future in pending:
        future.result()
    writer.close()
    return total


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """(wall seconds, processor seconds of all threads)."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def one_round(shape: str, spans: int, yardstick: bool) -> Measures:
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
        data = DataDir(Path(folder) / "data")
        journal_bytes = fill(data, requests(SHAPES[shape], spans))
        idle_rss = max_rss_bytes()
        with ThreadPoolExecutor(1) as merging:  # as in the service
            poster = Poster(data, decode, same_span, clock=SystemClock(), spans_in=spans_in, merging=merging)
            wall_s, cpu_s = timed(lambda: post_all(poster))
            close_s, close_cpu_s = timed(poster.close)
        posted = stored_spans(data)
        return {
            "spans per cpu second": posted / (cpu_s + close_cpu_s),
            "spans per wall second": posted / (wall_s + close_s),
            "us of cpu per span": (cpu_s + close_cpu_s) / posted * 1e6,
            "segment bytes per span": size_of(data.ledger, ".parquet") / posted,
            "other ledger bytes per span": (size_of(data.ledger) - size_of(data.ledger, ".parquet")) / posted,
            "journal bytes per span": journal_bytes / posted,
            "memory of the poster, MiB": (max_rss_bytes() - idle_rss) / MIB,
            **(yardstick_of(data, posted, Path(folder)) if yardstick else {}),
        }


def post_all(poster: Poster) -> None:
    while poster.step():
        pass


def size_of(folder: Path, ending: str = "") -> int:
    return sum(path.stat().st_size for path in folder.rglob(f"*{ending}") if path.is_file())


def stored_spans(data: DataDir) -> int:
    from queries.connect import connect  # DuckDB only where it is used: its memory is not the poster's

    connection = connect(data)
    try:
        found = connection.execute("SELECT count(*) FROM spans").fetchone()
    finally:
        connection.close()
    return int(found[0]) if found else 0


def yardstick_of(data: DataDir, spans: int, folder: Path) -> Measures:
    reader = JournalReader(data)
    tables, after = [], -1
    while events := reader.read(after, events_max=64, bytes_max=64 * MIB):
        after = events[-1].event_seq
        tables.append(decode([event for event in events if event.kind == OTLP_TRACES]).spans)
    reader.close()

    def write() -> None:
        for n, table in enumerate(tables):
            pq.write_table(table, folder / f"{n}.parquet", compression="zstd")

    return {"write_table alone, us of cpu per span": timed(write)[1] / spans * 1e6}


def max_rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_fresh_process(shape: str, spans: int, yardstick: bool) -> Measures:
    command = [sys.executable, "-m", "bench.post", "--shape", shape, "--spans", str(spans), "--round"]
    command += ["--yardstick"] if yardstick else []
    environment = {**ENVIRONMENT, **os.environ}
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description="Posted spans a second on one core")
    parser.add_argument("--shape", choices=sorted(SHAPES), action="append")
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--yardstick", action="store_true")
    parser.add_argument("--round", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    shapes = arguments.shape or DEFAULT_SHAPES
    if arguments.round:
        print(json.dumps(one_round(shapes[0], arguments.spans, arguments.yardstick)))
        return
    print(header())
    for shape in shapes:
        rounds = [in_fresh_process(shape, arguments.spans, arguments.yardstick) for _ in range(arguments.rounds)]
        print(shape)
        for name in rounds[0]:
            print(f"  {name:38}", spread([one[name] for one in rounds]))


if __name__ == "__main__":
    main()

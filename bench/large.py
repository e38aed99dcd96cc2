"""A large ledger as the service would have made it: requests -> journal -> poster. Kept in a folder.

Record time passes evenly over several days, so that there are several days of segments; parents arrive after their
children, as everywhere in the workload. In the middle of it one run of 10,000 spans arrives.

    python -m bench.large FOLDER [--spans 10000000] [--days 3]
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from bench.facts import ROOT
from bench.post import fill
from bench.spans import AGENTS, request
from bench.workload import LARGE_RUN, RUN, SHAPES, START_NS, Shape, random_ids, requests, run_spans
from ingest.decode import decode, same_span
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post.poster import Poster
from ledger.seams import SystemClock
from spanledger.processes.memory import ENVIRONMENT

REQUEST_SPANS = 512
DAY_NS = 86_400 * 10**9
LARGE_SEED = 10_000
FACTS = "made.json"
"""Written once the journal is whole: posting can be taken up again after it."""
TELL_EVERY_S = 30.0


@dataclass(frozen=True)
class Made:
    """What is in the folder."""

    shape: str
    spans: int
    days: float
    fill_s: float


class SteadyClock:
    """Record time that goes from the first request to the last, whatever the time on the wall."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


def large(folder: Path, shape: str, spans: int, days: float) -> tuple[DataDir, Made]:
    """The ledger of that size in `folder`, made where it is missing; of a journal that is there only the ledger."""
    data = DataDir(folder)
    facts = folder / FACTS
    if not facts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        fill_over_days(data, SHAPES[shape], spans, days)
        facts.write_text(json.dumps(asdict(Made(shape, spans, days, time.monotonic() - began))))
    made = Made(**json.loads(facts.read_text()))
    asked = (shape, spans, days)
    if (made.shape, made.spans, made.days) != asked:
        raise SystemExit(f"{folder} holds {made}, and {asked} was asked for: give another folder")
    post_in_own_process(folder)
    return data, made


def fill_over_days(data: DataDir, shape: Shape, spans: int, days: float) -> None:
    clock = SteadyClock()
    runs_of_service = spans / len(RUN.kinds) / len(AGENTS)
    every_ns = int(days * DAY_NS / runs_of_service)
    paced = replace(shape, run_every_ns=every_ns)
    fill(data, timed_bodies(paced, spans, clock), clock)


def timed_bodies(shape: Shape, spans: int, clock: SteadyClock) -> Iterator[bytes]:
    """The requests of `shape` and, in the middle, the large run; `clock` says when each is received."""
    count = max(1, spans // REQUEST_SPANS)
    first_ns = START_NS + shape.runs_open * shape.run_every_ns  # no span is received before it ended
    step_ns = shape.run_every_ns / len(AGENTS) * REQUEST_SPANS / len(RUN.kinds)
    for number, body in enumerate(requests(shape, spans, request_spans=REQUEST_SPANS)):
        clock.at_ns = int(first_ns + number * step_ns)
        yield body
        if number == count // 2:
            yield from large_run(replace(shape, run_every_ns=clock.at_ns - START_NS))


def large_run(shape: Shape) -> Iterator[bytes]:
    rng = np.random.default_rng(LARGE_SEED)
    spans = run_spans(rng, shape, service=0, first_run=1, n=1, tree=LARGE_RUN)[0].tolist()
    for first in range(0, len(spans), REQUEST_SPANS):
        yield request(0, spans[first : first + REQUEST_SPANS])


def large_trace() -> str:
    """The trace of the large run, hex: what `run_spans` draws for it."""
    rng = np.random.default_rng(LARGE_SEED)
    random_ids(rng, len(LARGE_RUN.kinds), 8)
    return random_ids(rng, 1, 16).tobytes().hex()


def post_in_own_process(folder: Path) -> None:
    """With the poster's own memory settings, and so that none of its memory is this process's."""
    command = [sys.executable, "-m", "bench.large", str(folder), "--post"]
    subprocess.run(command, cwd=ROOT, env={**ENVIRONMENT, **os.environ}, check=True)


def post(data: DataDir) -> None:
    reader = JournalReader(data)
    end = reader.durable_seq()
    reader.close()
    began = told = time.monotonic()
    poster = Poster(data, decode, same_span, clock=SystemClock())
    try:
        while poster.step():
            if time.monotonic() - told > TELL_EVERY_S:
                told = time.monotonic()
                print(f"posted {poster.cursor:,} of {end:,} events in {told - began:.0f} s", file=sys.stderr)
    finally:
        poster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a large ledger")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="runs-meta")
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--days", type=float, default=3.0)
    parser.add_argument("--post", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.post:
        post(DataDir(arguments.folder))
    else:
        _, made = large(arguments.folder, arguments.shape, arguments.spans, arguments.days)
        print(made)


if __name__ == "__main__":
    main()

"""How long after its start the service answers: until all three ports do, on a new directory and on one with a backlog.

python -m bench.start [--rounds 5] [--spans 500000]
"""

import argparse
import tempfile
from pathlib import Path

from bench.facts import ROOT, header, spread
from bench.post import fill
from bench.service import serving
from bench.workload import SHAPES, requests
from ledger.paths import DataDir


def new_directory(rounds: int) -> list[float]:
    """Seconds of each start on a directory of its own. One start before them warms the page cache."""
    seconds = []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder, serving(Path(folder)) as service:
            seconds.append(service.start_s)
    return seconds[1:]


def with_backlog(rounds: int, spans: int) -> list[float]:
    """Seconds of each start on a journal of `spans` spans, of which nothing was posted at the first."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
        fill(DataDir(Path(folder) / "data"), requests(SHAPES["runs-meta"], spans))
        seconds = []
        for _ in range(rounds):
            with serving(Path(folder)) as service:
                seconds.append(service.start_s)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="How long after its start the service answers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spans", type=int, default=500_000, help="spans in the journal that waits to be posted")
    arguments = parser.parse_args()
    print(header())
    for what, seconds in (
        ("new directory, ms", new_directory(arguments.rounds)),
        (f"backlog of {arguments.spans:,} spans, ms", with_backlog(arguments.rounds, arguments.spans)),
    ):
        print(f"{what:36}", spread([one * 1_000 for one in seconds]))


if __name__ == "__main__":
    main()

"""How much smaller a sealed journal file is than the bytes it was made of.

python -m bench.seal [--spans 120000] [--rounds 3]
"""

import argparse
import tempfile
import time
from pathlib import Path

from bench.facts import ROOT, header, spread
from bench.post import fill
from bench.workload import SHAPES, requests
from ledger.journal.disk import POSIX
from ledger.journal.file import FIRST_FILE_NUMBER, file_path
from ledger.journal.options import MIB, JournalOptions
from ledger.journal.seal import seal_file
from ledger.paths import DataDir

FILE_BYTES = 32 * MIB
SHAPES_SEALED = ("runs-meta", "runs-content")


def one_round(shape: str, spans: int, seed: int) -> tuple[float, float]:
    """(raw bytes of the first file for each sealed byte, MB/s of sealing)."""
    options = JournalOptions(file_bytes_max=FILE_BYTES, seal=False)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
        data = DataDir(Path(folder) / "data")
        fill(data, requests(SHAPES[shape], spans, seed=seed), options=options)
        first = file_path(data.journal, FIRST_FILE_NUMBER)
        raw = first.stat().st_size
        began = time.perf_counter()
        seal_file(POSIX, data.journal, FIRST_FILE_NUMBER, options.seal_level)
        return raw / first.stat().st_size, raw / (time.perf_counter() - began) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="How much smaller a sealed journal file is")
    parser.add_argument("--spans", type=int, default=120_000, help="enough for two files")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(header())
    for shape in SHAPES_SEALED:
        rounds = [one_round(shape, arguments.spans, seed) for seed in range(1, arguments.rounds + 1)]
        print(shape)
        print("  raw : sealed  ", spread([ratio for ratio, _ in rounds]))
        print("  MB/s          ", spread([speed for _, speed in rounds]))


if __name__ == "__main__":
    main()

"""How long a correction of a million charges takes: the dry run, the orders, and a rebuild of it all.

    python -m bench.rerate [--spans 400000]

Every price is multiplied by 0.8 by an override, and all that is booked is re-rated by the commands that a person would
use. The sums as of before and now, and the digests of the rebuilt ledger, are compared; what differs ends the program.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from bench.facts import ROOT, header
from bench.large import large
from ledger.paths import DataDir
from ledger.store.digest import digests
from queries.connect import connect

FACTOR = Decimal("0.8")
OVERRIDES = f"""overrides:
  - id: agreement
    match: {{model: "*"}}
    multiply: "{FACTOR}"
    reason: a benchmark
"""
RERATE = ("prices", "rerate", "--since", "1970-01-02", "--book", "current", "--format", "json")


def command(data: DataDir, *words: str) -> float:
    """Seconds that `spanledger words` took on `data`."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "spanledger", *words, "--data", str(data.root)], check=True, stdout=subprocess.DEVNULL
    )
    return time.monotonic() - began


def charged(data: DataDir, seq: int | None = None) -> tuple[int, int, Decimal]:
    """The last event, and number and sum of the lines as of event `seq`, or now."""
    lines = "charges" if seq is None else f"charges_as_of({seq})"
    with connect(data) as connection:
        found = connection.execute(f"SELECT (FROM base.snapshot), COUNT(*), SUM(cost_usd) FROM {lines}").fetchall()
    cursor, count, usd = found[0]
    return int(cursor), int(count), Decimal(usd)


def correct(data: DataDir, folder: Path) -> None:
    cursor, lines, usd = charged(data)
    print(f"{lines:,} lines of charge, {usd} USD, as of event {cursor}")
    rules = folder / "overrides.yaml"
    rules.write_text(OVERRIDES)
    command(data, "prices", "override", str(rules))
    for what, words in (("dry run", (*RERATE, "--dry-run")), ("correction", RERATE)):
        print(f"{what:12}{command(data, *words):8.1f} s", flush=True)
    _, after, corrected = charged(data)
    print(f"{after - lines:,} lines added, {corrected} USD")
    assert charged(data, cursor)[1:] == (lines, usd), "what was known before has changed"
    assert abs(corrected - usd * FACTOR) < lines * Decimal("1e-12"), "not what was ordered"
    live = digests(data)
    print(f"{'rebuild':12}{command(data, 'rebuild'):8.1f} s", flush=True)
    assert digests(data) == live, "a rebuild differs"


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a correction of a million charges takes")
    parser.add_argument("--spans", type=int, default=400_000, help="spans in the ledger, some 2.8 lines of charge each")
    arguments = parser.parse_args()
    print(header())
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
        data, _ = large(Path(folder) / "data", "runs-meta", arguments.spans, 3)
        correct(data, Path(folder))


if __name__ == "__main__":
    main()

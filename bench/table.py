"""The figures of the design, one line each: the goal, the measured median and spread, and the command for more.

Runs the other benchmarks in turn, some minutes each; `--only` picks lines. The ledger of 10 million spans takes about
ten minutes on an idle machine to make, and is kept in the folder that --keep names.

    python -m bench.table [--keep FOLDER] [--spans 10000000] [--rounds 3] [--only WORD ...]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import ack, fresh, post, seal, start
from bench.facts import ROOT, header

NONE_YET = "no part that does this yet"


@dataclass(frozen=True)
class Row:
    """`measure` gives the rounds, in `unit`."""

    what: str
    goal: str
    command: str
    unit: str
    measure: Callable[[argparse.Namespace], Sequence[float]] | None


def ack_ratio(arguments: argparse.Namespace) -> list[float]:
    asked = argparse.Namespace(shape="runs-meta", seconds=5.0, rounds=arguments.rounds, in_flight=16)
    rounds = ack.measure(asked)
    return [a.spans_s / b.spans_s for a, b in zip(rounds["collector"], rounds["bare"], strict=True)]


def posted(shape: str, name: str) -> Callable[[argparse.Namespace], list[float]]:
    def measure(arguments: argparse.Namespace) -> list[float]:
        return [post.in_fresh_process(shape, 200_000, False)[name] for _ in range(arguments.rounds)]

    return measure


def share_of_write_table(arguments: argparse.Namespace) -> list[float]:
    rounds = [post.in_fresh_process("runs-meta", 200_000, True) for _ in range(arguments.rounds)]
    return [one["write_table alone, us of cpu per span"] / one["us of cpu per span"] for one in rounds]


def sql(question: str, which: str) -> Callable[[argparse.Namespace], list[float]]:
    """Milliseconds of `question` of bench.sql; of `which` p95 the one figure."""

    def measure(arguments: argparse.Namespace) -> list[float]:
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder) / "figures.json"
            command = [sys.executable, "-m", "bench.sql", "--only", question, "--json", str(answer)]
            command += ["--spans", str(arguments.spans), "--keep", str(arguments.keep)]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            [found] = [one for one in json.loads(answer.read_text()) if one["question"] == question]
        waits = sorted(one * 1e3 for one in found["more_s"])
        return [waits[int(len(waits) * 0.95)]] if which == "p95" else waits

    return measure


def fresh_under(part: int) -> Callable[[argparse.Namespace], list[float]]:
    def measure(_: argparse.Namespace) -> list[float]:
        return [one * 1e3 for one in fresh.measure(50, 10_000)[part]]  # type: ignore[union-attr]

    return measure


def sealed(shape: str) -> Callable[[argparse.Namespace], list[float]]:
    def measure(arguments: argparse.Namespace) -> list[float]:
        return [seal.one_round(shape, 120_000, seed)[0] for seed in range(1, arguments.rounds + 1)]

    return measure


def starts(arguments: argparse.Namespace) -> list[float]:
    return [one * 1e3 for one in start.new_directory(arguments.rounds)]


ROWS: tuple[Row, ...] = (
    Row("acked spans/s, of a bare server's", ">= 0.6", "bench.ack", "", ack_ratio),
    Row("posted spans/s a core, metadata", ">= 60,000", "bench.post", "", posted("runs-meta", "spans per cpu second")),
    Row(
        "posted spans/s a core, content", ">= 25,000", "bench.post", "", posted("runs-content", "spans per cpu second")
    ),
    Row("posting, of write_table alone", ">= 0.5", "bench.post --yardstick", "", share_of_write_table),
    Row("span in SQL after the ack, idle", "<= 1,000", "bench.fresh", "ms", fresh_under(0)),
    Row("span in SQL after the ack, 10,000/s", "<= 1,000", "bench.fresh", "ms", fresh_under(1)),
    Row("webhook after the ack", "<= 2,000", NONE_YET, "ms", None),
    Row("rollup page", "<= 100", "bench.sql", "ms", sql("cost page", "all")),
    Row("one run by id, p95", "<= 50", "bench.sql", "ms", sql("one run by id, API", "p95")),
    Row("10,000-span run replayed", "<= 1,000", "bench.sql", "ms", sql("spanledger replay of 10,000 spans", "all")),
    Row("runs page, newest 50", "<= 200", "bench.sql", "ms", sql("runs page, newest 50", "all")),
    Row("segments, bytes a span", "<= 60", "bench.post", "", posted("runs-meta", "segment bytes per span")),
    Row("raw : sealed, metadata", ">= 6", "bench.seal", "", sealed("runs-meta")),
    Row("raw : sealed, content", ">= 6", "bench.seal", "", sealed("runs-content")),
    Row("ports answer after a start", "<= 2,000", "bench.start", "ms", starts),
)


def lines(arguments: argparse.Namespace) -> Iterator[str]:
    yield f"{'':38} {'goal':>10} {'median':>12}  least to most, command"
    for row in ROWS:
        if arguments.only and not any(word in row.what for word in arguments.only):
            continue
        rounds = row.measure(arguments) if row.measure else []
        what = f"{row.what}{', ' if row.unit else ''}{row.unit}"
        if not rounds:
            yield f"{what:38} {row.goal:>10} {'-':>12}  {row.command}"
            continue
        figures = f"{statistics.median(rounds):>12,.2f}  {min(rounds):,.2f} to {max(rounds):,.2f}"
        yield f"{what:38} {row.goal:>10} {figures}, python -m {row.command}"


def main() -> None:
    parser = argparse.ArgumentParser(description="The figures of the design, measured")
    parser.add_argument("--keep", type=Path, default=ROOT / ".bench-large", help="folder of the large ledger")
    parser.add_argument("--spans", type=int, default=10_000_000, help="spans in it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", help="only lines with this in their name; may be repeated")
    arguments = parser.parse_args()
    print(header())
    for line in lines(arguments):
        print(line, flush=True)


if __name__ == "__main__":
    main()

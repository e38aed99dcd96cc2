"""How long users wait for answers over a large ledger: pages and API over HTTP; SQL and connecting in this process.

The ledger is made by the real pipeline (bench.large) and kept with --keep. The server is a process of its own; its
first answer to each question stands beside the median of those that follow. Processor time says what an idle machine
would need where others were busy on this one.

    python -m bench.sql [--spans 10000000] [--keep FOLDER] [--rounds 20] [--runs 200] [--only WORD ...]
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import duckdb

from bench.facts import ROOT, header
from bench.large import large, large_trace
from ledger.paths import DataDir
from queries.connect import connect

MIB = 1 << 20
SAMPLE_ROWS = 4_000


@dataclass(frozen=True)
class Timed:
    """Waits for one question, in seconds, the first apart; and the processor time of the later ones, on average."""

    question: str
    goal_ms: float | None
    first_s: float
    more_s: Sequence[float]
    cpu_s: float

    def line(self) -> str:
        more = sorted(self.more_s)
        p95 = more[min(len(more) - 1, int(len(more) * 0.95))]
        goal = f"{self.goal_ms:,.0f}" if self.goal_ms else "-"
        return (
            f"{self.question:44} {goal:>7} {self.first_s * 1e3:>9,.1f} {statistics.median(more) * 1e3:>9,.1f}"
            f" {p95 * 1e3:>9,.1f} {more[0] * 1e3:>9,.1f} {more[-1] * 1e3:>9,.1f}"
            f" {self.cpu_s * 1e3:>9,.1f} {len(more):>5}"
        )


COLUMNS = (
    f"{'ms':44} {'goal':>7} {'first':>9} {'median':>9} {'p95':>9} {'least':>9} {'most':>9} {'cpu':>9} {'times':>5}"
)


TIMED: list[Timed] = []
"""All that was measured."""

Paths = tuple[str, ...]
"""Asked one after the other, as one question."""


class Client:
    """One keep-alive connection to the server."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=300)

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path}: {answer.status} {body[:300]!r}")
        return body

    def get_all(self, paths: Paths) -> None:
        for path in paths:
            self.get(path)


@contextmanager
def server(data: DataDir) -> Iterator[tuple[Client, int]]:
    """The API on `data` in a process of its own, and that process's id."""
    command = [sys.executable, "-m", "bench.sql", "--serve", str(data.root)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = json.loads(process.stdout.readline())["address"]
            yield Client(address), process.pid
        finally:
            process.terminate()
            process.wait(timeout=60)


def serve(root: Path) -> None:
    import socket

    import uvicorn

    from queries.api.answers import Bounds
    from queries.api.app import application

    listening = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"address": f"127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(application(DataDir(root), Bounds(query_s=280.0)), log_config=None, access_log=False)
    uvicorn.Server(config).run([listening])


def timed(
    question: str,
    goal_ms: float | None,
    ask: Callable[[int], object],
    times: int,
    cpu_s: Callable[[], float] = time.process_time,
) -> Timed:
    """`ask` once, and then `times` more; it is given the number of the time. `cpu_s`: processor time so far."""
    waits: list[float] = []
    for number in range(times + 1):
        if number == 1:
            cpu_before = cpu_s()
        began = time.perf_counter()
        ask(number)
        waits.append(time.perf_counter() - began)
    found = Timed(question, goal_ms, waits[0], waits[1:], (cpu_s() - cpu_before) / times)
    TIMED.append(found)
    print(found.line(), flush=True)
    return found


def over_http(data: DataDir, known: "Known", rounds: int, wanted: Callable[[str], bool]) -> None:
    with server(data) as (client, pid):
        for question, goal_ms, paths, times in http_questions(known, rounds):
            if wanted(question):
                timed(question, goal_ms, asker(client, paths), times, partial(cpu_of, pid))
        print(f"{'memory of the server at its peak, MiB':44} {peak_bytes(pid) / MIB:>7,.0f}")


def asker(client: Client, paths: Sequence[Paths]) -> Callable[[int], None]:
    return lambda number: client.get_all(paths[number % len(paths)])


def cpu_of(pid: int) -> float:
    """Processor seconds that process `pid` has taken, all threads."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@dataclass(frozen=True)
class Known:
    """What the questions are about."""

    runs: Sequence[str]
    large_run: str
    spans: Sequence[tuple[str, str, str]]
    """(run, trace, span) of some model calls."""
    middle: str
    """A moment in the middle of what was recorded, RFC 3339."""


def known(data: DataDir, runs: int) -> Known:
    with connect(data) as connection:
        ids = connection.execute(
            f"SELECT DISTINCT LOWER(HEX(run_id)) FROM (SELECT run_id, run_rule FROM base.placements "
            f"USING SAMPLE reservoir({SAMPLE_ROWS} ROWS) REPEATABLE (7)) "
            f"WHERE run_rule = 'agent' ORDER BY 1 LIMIT {runs}"
        ).fetchall()
        large_run = connection.execute(
            f"SELECT LOWER(HEX(run_id)) FROM base.placements "
            f"WHERE trace_id = from_hex('{large_trace()}') AND run_rule = 'agent' LIMIT 1"
        ).fetchall()
        middle = connection.execute(
            "SELECT strftime(make_timestamp(((min(received_ns) + max(received_ns)) // 2000)::BIGINT), "
            "'%Y-%m-%dT%H:%M:%SZ') FROM base.events WHERE kind = 'otlp.traces'"
        ).fetchall()
    return Known([row[0] for row in ids], large_run[0][0], [], str(middle[0][0]))


HttpQuestion = tuple[str, float | None, Sequence[Paths], int]


def http_questions(about: Known, rounds: int) -> Iterator[HttpQuestion]:
    """(question, goal in ms, what is asked in turn, times)."""
    since, few, runs = quote(about.middle), max(3, rounds // 4), len(about.runs) - 1
    windows = [
        windows_of(about.large_run[:digits]) for digits in range(32, 16, -1)
    ]  # a new name each time: kept by name
    yield "cost page", 100, [("/cost",)], rounds
    yield "cost page, half of the time", 100, [(f"/cost?since={since}",)], rounds
    yield "API costs by agent", 100, [("/api/v1/costs?by=agent",)], rounds
    yield "API costs by model", 100, [("/api/v1/costs?by=model",)], rounds
    yield "one run by id, API", 50, [(f"/api/v1/runs/{run}",) for run in about.runs], runs
    yield "one run by 10 digits, API", 50, [(f"/api/v1/runs/{run[:10]}",) for run in about.runs], min(50, runs)
    yield "one run, its page", None, [(f"/runs/{run}",) for run in about.runs], min(50, runs)
    yield "10,000 spans replayed, API, 25 windows", 1000, windows, min(few, len(windows) - 1)
    yield "the same again, its steps kept", 1000, windows[:1], few
    yield "page of the 10,000-span run", 1000, [(f"/runs/{about.large_run}",)], few
    yield "its last window of steps", 1000, [(f"/runs/{about.large_run}?from=9601",)], few
    yield "its last step in full", 1000, [(f"/runs/{about.large_run}?step=10000",)], few
    yield "runs page, newest 50", 200, [("/runs",)], rounds
    for name, filters in FILTERS.items():
        yield f"runs page, {name}", 1000, [("/runs?" + filters.format(since=since),)], few


def windows_of(run: str) -> Paths:
    """All steps of a run of 10,000."""
    return tuple(f"/api/v1/runs/{run}/replay?from={first}" for first in range(1, 10_000, 400))


FILTERS = {
    "one agent": "agent=coder",
    "one model": "model=gpt-4o",
    "one tool": "tool=search_orders",
    "state": "state=complete",
    "since": "since={since}",
    "dear ones": "min_cost=2.0",
    "with errors (none)": "errors=1",
    "an agent that is not there": "agent=nobody",
    "a model that is not there": "model=none",
}

STATEMENTS: dict[str, tuple[float | None, str]] = {
    "SQL: cost by agent and model of charges": (
        None,
        "SELECT agent_name, model, sum(cost_usd) FROM charges GROUP BY ALL",
    ),
    "SQL: cost_by_agent": (100, "FROM cost_by_agent"),
    "SQL: cost_by_model": (100, "FROM cost_by_model"),
    "SQL: count(*) of spans": (None, "SELECT count(*) FROM spans"),
    "SQL: count(*) of calls": (None, "SELECT count(*) FROM calls"),
    "SQL: count(*) of runs": (None, "SELECT count(*) FROM runs"),
    "SQL: 100 dearest runs": (None, "SELECT * FROM runs ORDER BY cost_usd DESC LIMIT 100"),
}


def in_process(data: DataDir, about: Known, rounds: int, wanted: Callable[[str], bool]) -> None:
    from queries.narrow import of_run
    from queries.replay.replay import all_steps, content
    from queries.runs import one_run

    def ask_once(run: str) -> None:
        with connect(data) as connection, of_run(connection, run) as narrow:
            one_run(narrow, run)

    def replay_all(_: int) -> None:
        with connect(data) as connection, of_run(connection, about.large_run) as narrow:
            head = one_run(narrow, about.large_run)
            assert all_steps(narrow, str(head["run_id"])).num_rows == 10_000

    if wanted("connect()"):
        timed("connect()", None, lambda _: connect(data).close(), rounds)
    if wanted("one run by id, connect() and all"):
        timed(
            "one run by id, connect() and all",
            None,
            lambda n: ask_once(about.runs[n]),
            min(rounds, len(about.runs) - 1),
        )
    if wanted("spanledger replay of 10,000 spans"):
        timed("spanledger replay of 10,000 spans", 1000, replay_all, max(3, rounds // 4))
    with connect(data) as connection:
        spans = known_spans(connection, about)
        if wanted("one span by id, with content"):
            timed("one span by id, with content", None, lambda n: content(connection, *spans[n % len(spans)]), rounds)
        for question, (goal_ms, statement) in STATEMENTS.items():
            if wanted(question):
                timed(question, goal_ms, lambda _, s=statement: connection.sql(s).to_arrow_table(), 3)  # type: ignore[misc]


def known_spans(connection: duckdb.DuckDBPyConnection, about: Known) -> list[tuple[str, dict[str, object]]]:
    """Runs, and a step of each as `queries.replay.replay.content` takes it."""
    from queries.narrow import of_run

    names, found = ("trace_id", "span_id"), []
    for run in about.runs[:10]:
        with of_run(connection, run) as narrow:
            rows = narrow.execute("SELECT run_id, trace_id, span_id FROM calls LIMIT 1").fetchall()
        found += [(run_id, {"signal": "span", **dict(zip(names, ids, strict=True))}) for run_id, *ids in rows]
    return found


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    data, made = large(folder, arguments.shape, arguments.spans, arguments.days)
    about = known(data, arguments.runs)
    size = sum(path.stat().st_size for path in data.ledger.rglob("*") if path.is_file())
    files = len(list(data.ledger.rglob("*.parquet")))
    print(
        f"ledger    {made.spans:,} spans of {made.shape}, {made.days:g} days, "
        f"{size / made.spans:.1f} bytes a span, {files} files"
    )
    print(f"\n{COLUMNS}")

    def wanted(question: str) -> bool:
        return not arguments.only or any(word in question for word in arguments.only)

    over_http(data, about, arguments.rounds, wanted)
    in_process(data, about, arguments.rounds, wanted)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in TIMED]))


def main() -> None:
    parser = argparse.ArgumentParser(description="How long answers over a large ledger take")
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--days", type=float, default=3.0)
    parser.add_argument("--shape", default="runs-meta")
    parser.add_argument("--keep", type=Path, help="folder of the ledger; used again when it is there")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=200, help="runs asked for by id")
    parser.add_argument("--only", action="append", help="only questions with this in their name; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    print(header())
    if arguments.keep:
        measure(arguments, arguments.keep)
    else:
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
            measure(arguments, Path(folder))


if __name__ == "__main__":
    main()

"""What the processes may load, for an exporter lives only through seven seconds without them, and what ends them."""

import logging
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest.seldom import SeldomLog
from ledger.errors import Corrupt
from ledger.seams import SystemClock
from spanledger.config import load
from spanledger.processes import poster
from spanledger.processes.child import Child
from spanledger.processes.collector import leave_stats
from spanledger.processes.poster import Persistence

HEAVY = ("polars", "duckdb", "fastapi", "pyarrow", "numpy", "ptars")


@pytest.mark.parametrize("module", ["spanledger.processes.collector", "spanledger.supervise", "spanledger.cli.serve"])
def test_the_way_to_the_ports_is_light(module: str) -> None:
    script = f"import sys, {module}; print(*sorted(name for name in {HEAVY!r} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_options_of_the_collector_load_nothing_heavy() -> None:
    script = (
        "import sys; from spanledger.config import load; from spanledger.parts import options;"
        "from spanledger.seed import price_book_seed;"
        "c = load(environ={}); options(c, 'collector'); options(c, 'journal'); price_book_seed();"
        f"print(*sorted(name for name in {HEAVY!r} if name in sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


class Calls:
    """Does nothing but fail or succeed, in the order given."""

    def __init__(self, *outcomes: Exception | int) -> None:
        self._outcomes = list(outcomes)

    def __call__(self) -> int:
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def persistence(monkeypatch: pytest.MonkeyPatch) -> Persistence:
    monkeypatch.setattr(poster, "RETRY_S", 0.0)
    monkeypatch.setattr(poster, "RETRY_DAMAGED_S", 0.0)
    return Persistence(Child(load(environ={}), (), threading.Event()))


def test_the_poster_tells_of_trouble_when_it_begins_and_when_it_ends(
    persistence: Persistence, caplog: pytest.LogCaptureFixture
) -> None:
    full, damaged = sqlite3.OperationalError("database or disk is full"), Corrupt("a.parquet: damaged")
    attempt = Calls(7, full, OSError(28, "No space left on device"), damaged, 8, 9)
    assert [persistence.tried(attempt) for _ in range(6)] == [7, None, None, None, 8, 9]
    assert [record.getMessage() for record in caplog.records] == [
        "posting waits, acks and answers go on: database or disk is full",
        "posting goes on",
    ]


def test_the_poster_reminds_of_trouble_once_a_minute(
    persistence: Persistence, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((1000.0, 1059.0, 1060.0, 1119.9))
    monkeypatch.setattr(poster.time, "monotonic", lambda: next(times))
    attempt = Calls(*(Corrupt(f"file {n}") for n in range(4)))
    for _ in range(4):
        persistence.tried(attempt)
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == ["0", "2"]


def test_a_bug_in_the_poster_ends_it(persistence: Persistence) -> None:
    with pytest.raises(AssertionError):
        persistence.tried(Calls(AssertionError()))


def test_counters_that_cannot_be_written_end_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seldom = SeldomLog(logging.getLogger("collector"), SystemClock())
    for _ in range(3):
        leave_stats(tmp_path / ("a" * 300) / "collector.json", {}, seldom)
    assert [record.getMessage() for record in caplog.records] == ["the counters for /metrics are not written"]

"""The collector process: both OTLP ports, the control socket, and the journal's one writer. Imports nothing heavy."""

import json
import logging
from dataclasses import asdict
from pathlib import Path

from ingest.collector import Collector
from ingest.control import ControlServer
from ingest.seldom import SeldomLog
from ledger.journal.append import JournalWriter
from ledger.seams import SystemClock, SystemRng
from spanledger.parts import options
from spanledger.presence import write_text
from spanledger.processes.child import Child, run
from spanledger.seed import price_book_seed

DRAIN_S = 1.5
"""Time for calls under way once the word to stop came; the whole service has 3 s."""
STATS_S = 2.0
"""How often counters are left for /metrics; scrapers ask every 15 s."""

log = logging.getLogger(__name__)


def main(child: Child) -> None:
    clock = SystemClock()
    data = child.config.data
    with JournalWriter.open(
        data, clock=clock, rng=SystemRng(), options=options(child.config, "journal"), seed=[price_book_seed()]
    ) as journal:
        collector = Collector(data, options(child.config, "collector"), journal, clock=clock)
        addresses = collector.start()
        control = ControlServer(data.control_socket, journal)
        child.ready(otlp_grpc=addresses.otlp_grpc, otlp_http=addresses.otlp_http)
        seldom = SeldomLog(log, clock)
        try:
            while not child.stop.wait(STATS_S):
                leave_stats(data.run / "collector.json", collector.stats() | journal_stats(journal), seldom)
        finally:
            collector.stop(DRAIN_S)
            control.stop()


def leave_stats(path: Path, stats: dict[str, int], seldom: SeldomLog) -> None:
    """Counters for /metrics. A disk that is too full for them leaves the old ones there and must end nothing."""
    try:
        write_text(path, json.dumps(stats))
    except OSError as error:
        seldom.warning("stats", "the counters for /metrics are not written", error=error)


def journal_stats(journal: JournalWriter) -> dict[str, int]:
    """The writer's numbers beside the collector's own."""
    return {f"journal_{name}": value for name, value in asdict(journal.stats()).items()}


if __name__ == "__main__":
    run("collector", main)

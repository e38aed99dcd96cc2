"""`spanledger demo`: the real service, fed with sample traces over OTLP/gRPC, and what they cost."""

import signal
import tempfile
from collections import Counter
from pathlib import Path

import click

from ledger.errors import LedgerError
from ledger.paths import DataDir
from spanledger.cli.cost import TOOLS_SHOWN
from spanledger.cli.output import say, table_text

SETTLE_S = 45.0
"""Longest wait for everything to be posted: under the minute that the demo may take."""


@click.command("demo")
@click.option("--serve", is_flag=True, help="Keep running and say where the page is, until Ctrl-C.")
def command(serve: bool) -> None:
    """Send sample traces to the real service, in a temporary directory, and print what arrived and what it cost."""
    from spanledger.service import service

    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(prefix="spanledger-demo-") as directory, service(Path(directory)) as running:
        arrived = _send_samples(running.otlp_grpc)
        data = DataDir(running.data)
        _settle(data)
        _report(data, arrived)
        if serve:
            click.echo(f"\nThe page: http://{running.api}/   OTLP/gRPC: {running.otlp_grpc}")
            say("Ctrl-C ends it")
            running.process.wait()


def _leave(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's signature
    raise SystemExit(0)  # so that the service is stopped and the directory removed


def _send_samples(address: str) -> Counter[str]:
    from spanledger.exporting import Exporter
    from spanledger.otlp_files import pieces
    from spanledger.samples import samples

    arrived: Counter[str] = Counter()
    with Exporter(address) as exporter:
        for file in samples():
            for body in pieces(file):
                exporter.send(file.signal, body)
                arrived[file.signal] += 1
    return arrived


def _settle(data: DataDir) -> None:
    """Until the ledger has everything that was acknowledged."""
    from queries.progress import progress
    from spanledger.presence import wait_until

    def caught_up() -> bool:
        now = progress(data)
        return now.posted_seq >= 0 and now.lag_events == 0

    if not wait_until(caught_up, SETTLE_S):
        raise LedgerError(f"not everything was posted after {SETTLE_S:.0f} s: {progress(data)}")


def _report(data: DataDir, arrived: Counter[str]) -> None:
    from queries.connect import connect
    from queries.costs import costs, telling

    with connect(data) as connection:
        counts = connection.sql(WHAT_ARRIVED).to_arrow_table()
        sent = ", ".join(f"{number} of {signal}" for signal, number in sorted(arrived.items()))
        click.echo(f"Sent over OTLP/gRPC and made durable: {sent} (requests)\n")
        for heading, rows in [
            ("What arrived, by the dialect it speaks", counts),
            ("Cost by agent", telling(costs(connection, "agent"))),
            ("Cost by model", costs(connection, "model")),
            ("Cost by tool", costs(connection, "tool").select(TOOLS_SHOWN)),
        ]:
            click.echo(f"{heading}\n{table_text(rows)}\n")
        total, unpriced = connection.execute(TOTAL).fetchall()[0]
    from queries.wire import dollars_short

    click.echo(f"Known cost in all: {dollars_short(total)}, and {unpriced} calls whose cost is not known")


WHAT_ARRIVED = """
SELECT dialect, count(*) AS spans, count(DISTINCT trace_id) AS traces, count(DISTINCT run_id) AS runs
FROM spans GROUP BY dialect ORDER BY spans DESC, dialect
"""
TOTAL = "SELECT coalesce(sum(cost_usd), 0), CAST(sum(unpriced_calls) AS BIGINT) FROM cost_by_agent"

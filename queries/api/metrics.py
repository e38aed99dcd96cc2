"""`/metrics` in the Prometheus text format. Few series, no labels that grow with the traffic."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from ledger.paths import DataDir
from queries.progress import progress
from queries.wire import decimal_text

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

TOTALS = """
SELECT (SELECT coalesce(sum(spans), 0) FROM events)::BIGINT, (SELECT coalesce(sum(duplicates), 0) FROM events)::BIGINT,
       (SELECT count(*) FROM quarantine), (SELECT count(*) FROM conflicts)
"""
MONEY = """
SELECT coalesce(sum(calls), 0)::BIGINT, coalesce(sum(unpriced_calls), 0)::BIGINT, coalesce(sum(cost_usd), 0)
FROM cost_by_agent
"""


@dataclass(frozen=True)
class Series:
    """One number with its name, kind and meaning."""

    name: str
    kind: str
    meaning: str
    value: int | float | Decimal
    labels: str = ""


def metrics(data: DataDir, connection: duckdb.DuckDBPyConnection) -> str:
    """All series as text; the samples of one name follow its HELP and TYPE."""
    lines: list[str] = []
    told: set[str] = set()
    for series in [*_of_progress(data), *_of_ledger(connection), *_of_collector(data)]:
        if series.name not in told:
            lines += [f"# HELP {series.name} {series.meaning}", f"# TYPE {series.name} {series.kind}"]
            told.add(series.name)
        text = decimal_text(series.value) if isinstance(series.value, Decimal) else repr(series.value)
        lines.append(f"{series.name}{series.labels} {text}")
    return "\n".join(lines) + "\n"


def _of_progress(data: DataDir) -> Iterator[Series]:
    now = progress(data)
    yield Series("spanledger_durable_seq", "gauge", "Last event that is durable in the journal.", now.durable_seq)
    yield Series("spanledger_posted_seq", "gauge", "Last event that is posted to the ledger.", now.posted_seq)
    yield Series("spanledger_lag_events", "gauge", "Events that are durable and not yet posted.", now.lag_events)


def _of_ledger(connection: duckdb.DuckDBPyConnection) -> Iterator[Series]:
    spans, duplicates, quarantined, conflicts = connection.execute(TOTALS).fetchall()[0]
    calls, unpriced, cost = connection.execute(MONEY).fetchall()[0]
    yield Series("spanledger_spans_total", "counter", "Spans in the ledger.", spans)
    yield Series("spanledger_duplicate_spans_total", "counter", "Spans that arrived again and count once.", duplicates)
    yield Series("spanledger_quarantined_total", "counter", "Spans that could not be read; kept.", quarantined)
    yield Series("spanledger_conflicts_total", "counter", "Spans that came again with other content.", conflicts)
    yield Series("spanledger_calls_total", "counter", "Calls of models and tools.", calls)
    yield Series("spanledger_unpriced_calls_total", "counter", "Calls of unknown cost; in no sum.", unpriced)
    yield Series("spanledger_cost_usd_total", "counter", "Known cost in US dollars.", Decimal(cost))


def _of_collector(data: DataDir) -> Iterator[Series]:
    """Counters that the collector leaves in DATA/run/collector.json, by `name{labels}`; none while it has not run."""
    try:
        counters = json.loads((data.run / "collector.json").read_text())
    except (OSError, ValueError):
        return
    for sample, value in sorted(counters.items()):
        name, brace, labels = sample.partition("{")
        kind = "counter" if name.endswith("_total") else "gauge"
        words = f"Collector: {name.removesuffix('_total').replace('_', ' ')}."
        yield Series(f"spanledger_collector_{name}", kind, words, value, brace + labels)

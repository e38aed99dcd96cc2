"""Every sample through journal, decode, poster and views, against numbers worked out by hand and a golden file."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.paths import DataDir
from tests.golden.books import rows
from tests.golden.samples import FOLDER, PROMISED, SAMPLES, Sample
from tests.shown import shown

GOLDEN = Path(__file__).parent / "expected"
Posted = Callable[[Sample], DataDir]
RUNAWAY = "runaway_loop/runaway_loop"

TOTALS = """
SELECT count(*) FILTER (kind = 'model' AND usage_status = 'reported') AS calls_with_usage,
       count(*) FILTER (kind = 'model' AND usage_status <> 'reported') AS unknown_calls,
       count(*) FILTER (kind = 'model' AND usage_status = 'reported' AND cost_status <> 'priced') AS unpriced_calls,
       coalesce(sum(input_tokens) FILTER (kind = 'model'), 0)::BIGINT AS input_tokens
FROM calls
"""
CALLS = """
SELECT kind, span_id, agent_name, provider, request_model, response_model, model, tool_name, status, usage_status,
       input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, cost_status,
       views
FROM calls ORDER BY started_at, span_id
"""
VIEWS = """
SELECT span_id, scope_name, dialect, billed, reason FROM call_views ORDER BY source_seq, span_index
"""
CHARGES = """
SELECT model, unit, sum(quantity) AS quantity, unit_price_usd, per, sum(cost_usd) AS cost_usd, basis, entry, status,
       reason, count(*) AS lines
FROM charges
GROUP BY model, unit, unit_price_usd, per, basis, entry, status, reason
ORDER BY model, unit, unit_price_usd, per, basis, entry, status, reason
"""
RUNS = """
SELECT agent_name, service_name, environment, conversation_id, state, spans, model_calls, tool_calls, errors,
       input_tokens, output_tokens, cost_usd, unpriced_calls
FROM runs ORDER BY started_at, run_id
"""
COUNTS = """
SELECT (SELECT count(*) FROM spans) AS spans, (SELECT count(DISTINCT trace_id) FROM spans) AS traces,
       (SELECT count(*) FROM quarantine) AS quarantined, (SELECT count(*) FROM conflicts) AS conflicts,
       (SELECT coalesce(sum(cost_usd), 0) FROM charges) AS cost_usd
"""


@pytest.mark.parametrize("sample", PROMISED, ids=lambda sample: sample.name)
def test_promised_sample_costs_what_was_worked_out_by_hand(sample: Sample, posted: Posted) -> None:
    with shown(posted(sample)) as connection:
        (totals,) = rows(connection, TOTALS)
        (counts,) = rows(connection, COUNTS)
    assert totals == {
        "calls_with_usage": sample.calls_with_usage,
        "unknown_calls": sample.unknown_calls,
        "unpriced_calls": sample.unpriced_calls,
        "input_tokens": sample.input_tokens,
    }
    assert counts == {
        "spans": sample.spans,
        "traces": sample.traces,
        "quarantined": 0,
        "conflicts": 0,
        "cost_usd": sample.cost_usd,
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_reads_as_its_golden_file_says(sample: Sample, posted: Posted, request: pytest.FixtureRequest) -> None:
    seen = readable(posted(sample))
    golden = GOLDEN / f"{sample.name}.json"
    if request.config.getoption("--write-golden", default=False):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(seen)
    assert seen == golden.read_text()


def readable(data: DataDir) -> str:
    """All that a reader would hold against the telemetry: one row a line, decimals in full."""
    with shown(data) as connection:
        tables = {
            "counts": rows(connection, COUNTS),
            "runs": rows(connection, RUNS),
            "charges": rows(connection, CHARGES),
            "calls": rows(connection, CALLS),
            "views": rows(connection, VIEWS),
        }
    # Of 250 equal turns the first few say all.
    short = {name: lines if len(lines) <= 40 else lines[:5] for name, lines in tables.items()}
    parts = [f'"{name}": [\n  ' + ",\n  ".join(map(one_line, lines)) + "\n]" for name, lines in short.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def one_line(row: dict[str, Any]) -> str:
    return json.dumps({key: plain(value) for key, value in row.items() if value is not None}, ensure_ascii=False)


def plain(value: Any) -> Any:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def test_every_sample_file_is_in_the_list_and_the_other_way_round() -> None:
    found = {str(path.relative_to(FOLDER)).split(".")[0] for path in FOLDER.glob("*/*.binpb")}
    assert found == {sample.name for sample in SAMPLES}


def test_the_runaway_loop_shows_what_it_burnt(posted: Posted) -> None:
    (sample,) = (sample for sample in SAMPLES if sample.name == RUNAWAY)
    with shown(posted(sample)) as connection:
        (run,) = rows(connection, RUNS)
        (cheapest,) = rows(
            connection, "SELECT min(cost_usd) AS least, max(cost_usd) AS most FROM calls WHERE kind = 'model'"
        )
    assert run["cost_usd"] == Decimal("25")
    # Every tool call failed, and in the end the agent.
    assert (run["model_calls"], run["tool_calls"], run["errors"]) == (250, 250, 251)
    assert cheapest == {"least": Decimal("0.1"), "most": Decimal("0.1")}

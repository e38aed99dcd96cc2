"""One capture, however it arrives, costs what it costs when sent once, to the last digit, and leaves no conflict."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from tests.golden.books import JSON, keep, rows, traces
from tests.golden.samples import PROMISED, SAMPLES, Sample
from tests.golden.variants import one_span_a_request, otlp_json, shuffled
from tests.shown import shown

HARD_NAMES = {
    *("openinference_anthropic", "ms_agent_framework", "otel_genai_openai", "strands_default"),
    *("langfuse_sdk", "pydantic_ai"),
}
HARD = [sample for sample in SAMPLES if sample.name.split("/")[1] in HARD_NAMES]
"""Two spans a call, sums on the agent's span, calls without usage, legacy names, usage inside JSON."""

WAYS: dict[str, Callable[[bytes], list[Draft]]] = {
    "three times": lambda body: [traces(body)] * 3,
    "a span a request": lambda body: [traces(one) for one in one_span_a_request(body)],
    "backwards": lambda body: [traces(one) for one in reversed(one_span_a_request(body))],
    "shuffled, twice each": lambda body: [traces(one) for one in shuffled(one_span_a_request(body) * 2, seed=4)],
    "json": lambda body: [traces(otlp_json(body), JSON)],
    "protobuf and json": lambda body: [traces(body), traces(otlp_json(body), JSON)],
    "json parts, then the whole as protobuf": lambda body: [
        *(traces(otlp_json(one), JSON) for one in shuffled(one_span_a_request(body), seed=9)),
        traces(body),
    ],
}
SUMS = """
SELECT agent_name, model, unit, sum(quantity) AS quantity, sum(cost_usd) AS cost_usd FROM charges
GROUP BY ALL HAVING sum(quantity) <> 0 OR sum(quantity) IS NULL ORDER BY ALL
"""
CALLS = """
SELECT kind, agent_name, model, tool_name, input_tokens, output_tokens, usage_status, cost_usd, cost_status, views
FROM calls ORDER BY ALL
"""
BILLED = "SELECT span_id, billed FROM call_views ORDER BY ALL"
ROLLUP = """
SELECT hour, agent_name, sum(calls) AS calls, sum(input_tokens) AS input_tokens, sum(cost_usd) AS cost_usd
FROM cost_by_agent GROUP BY ALL HAVING sum(calls) <> 0 ORDER BY ALL
"""
STRAY = "SELECT (SELECT count(*) FROM conflicts) + (SELECT count(*) FROM quarantine) AS stray"


def books_of(data: DataDir) -> dict[str, list[dict[str, Any]]]:
    with shown(data) as connection:
        return {
            name: rows(connection, sql)
            for name, sql in (
                ("sums", SUMS),
                ("calls", CALLS),
                ("billed", BILLED),
                ("rollup", ROLLUP),
                ("stray", STRAY),
            )
        }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sample", HARD, ids=lambda sample: sample.name)
def test_arrival_does_not_change_the_books(
    sample: Sample, way: str, posted: Callable[[Sample], DataDir], tmp_path: Path
) -> None:
    once = books_of(posted(sample))
    again = books_of(keep(tmp_path, WAYS[way](sample.body)))
    assert again == once
    assert once["stray"] == [{"stray": 0}]


def test_rollups_and_runs_sum_to_the_charges_over_all_samples_mixed(tmp_path: Path) -> None:
    parts = [one for sample in PROMISED for one in one_span_a_request(sample.body)[:60]]
    together = keep(tmp_path, [traces(one) for one in shuffled(parts, seed=1)])
    with shown(together) as connection:
        (total,) = rows(connection, "SELECT sum(cost_usd) AS cost_usd FROM charges")
        for view in ("cost_by_agent", "cost_by_model", "runs", "calls"):
            assert rows(connection, f"SELECT sum(cost_usd) AS cost_usd FROM {view}") == [total], view

"""The logs and metrics of every sample that has some, through journal, decode, poster and views, against golden files.

What log records book, together with the spans of the same calls, is in the files of the spans.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_LOGS
from ledger.paths import DataDir
from tests.golden.books import keep, rows
from tests.golden.samples import SAMPLES, Sample
from tests.golden.test_samples import GOLDEN, one_line
from tests.shown import shown

MORE = [sample for sample in SAMPLES if len(sample.drafts) > 1]
WITH_LOGS = [sample for sample in MORE if any(draft.kind == OTLP_LOGS for draft in sample.drafts)]

ASKED = {
    "counts": "SELECT sum(logs)::BIGINT AS logs, sum(points)::BIGINT AS points, sum(duplicates)::BIGINT AS duplicates, "
    "(SELECT count(*) FROM quarantine) AS quarantined FROM events",
    "logs": """
SELECT span_id, event_name, severity, body, operation, status, error_type, service_name, provider, request_model,
       response_model, response_id, tool_name, tool_call_id, conversation_id, team, input_tokens, output_tokens,
       cache_read_tokens, cache_write_tokens, reasoning_tokens, input_basis, usage_status, reported_cost_usd,
       reported_source, duration_ms, left(input, 80) AS input, left(output, 80) AS output, scope_name, dialect,
       content_hash
FROM logs ORDER BY log_index
""",
    "content": """
SELECT span_id, left(input, 100) AS input, left(output, 100) AS output, input_from, output_from FROM span_content
WHERE input_from = 'logs' OR output_from = 'logs' ORDER BY span_id
""",
    "metrics": """
SELECT name, unit, kind, temporality, is_monotonic, count(*) AS points, sum(value)::DECIMAL(38, 9) AS value,
       sum(count)::BIGINT AS count, sum(sum)::DECIMAL(38, 9) AS sum, count(DISTINCT content_hash) AS identities,
       any_value(service_name) AS service_name, any_value(conversation_id) AS conversation_id
FROM metrics GROUP BY ALL ORDER BY name, unit
""",
}


def readable(data: DataDir) -> str:
    with shown(data) as connection:
        tables = {name: rows(connection, sql) for name, sql in ASKED.items()}
    parts = [f'"{name}": [\n  ' + ",\n  ".join(map(one_line, lines)) + "\n]" for name, lines in tables.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


@pytest.mark.parametrize("sample", MORE, ids=lambda sample: sample.name)
def test_logs_and_metrics_read_as_the_golden_file_says(
    sample: Sample, posted: Callable[[Sample], DataDir], request: pytest.FixtureRequest
) -> None:
    seen = readable(posted(sample))
    golden = GOLDEN / f"{sample.name}.logs.json"
    if request.config.getoption("--write-golden", default=False):
        golden.write_text(seen)
    assert seen == golden.read_text()


WAYS: dict[str, Callable[[list[Draft]], list[Draft]]] = {
    "backwards": lambda sent: sent[::-1],
    "three times": lambda sent: sent * 3,
}
MONEY = "SELECT sum(cost_usd) AS cost_usd FROM charges"
CALLS = "SELECT kind, model, input_tokens, output_tokens, cost_usd, reported_cost_usd, views FROM calls ORDER BY ALL"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sample", WITH_LOGS, ids=lambda sample: sample.name)
def test_however_logs_arrive_they_are_listed_once_and_bill_no_call_again(
    sample: Sample, way: str, posted: Callable[[Sample], DataDir], tmp_path: Path
) -> None:
    with shown(posted(sample)) as once, shown(keep(tmp_path, WAYS[way](sample.drafts))) as again:
        for asked in (ASKED["logs"], ASKED["content"], ASKED["metrics"], CALLS):
            assert rows(once, asked) == rows(again, asked)
        assert rows(again, MONEY) == [{"cost_usd": sample.cost_usd}]


@pytest.mark.parametrize("sample", WITH_LOGS, ids=lambda sample: sample.name)
def test_spans_and_logs_of_a_call_are_views_of_it(sample: Sample, posted: Callable[[Sample], DataDir]) -> None:
    with shown(posted(sample)) as connection:
        billed = rows(
            connection, "SELECT signal, count(*) AS n FROM call_views WHERE billed AND signal = 'log' GROUP BY 1"
        )
        assert billed == []  # whatever a log record says, its span is there

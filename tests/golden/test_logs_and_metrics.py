"""The logs and metrics of every sample that has some, through journal, decode, poster and views, against golden files.

What they book is in the files of the spans: nothing of theirs is booked.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS, OTLP_TRACES
from ledger.paths import DataDir
from tests.golden.books import PROTOBUF, keep, reading, rows
from tests.golden.samples import FOLDER
from tests.golden.test_samples import GOLDEN, one_line

KINDS = {"traces": OTLP_TRACES, "logs": OTLP_LOGS, "metrics": OTLP_METRICS}
NAMES = sorted(
    {
        str(path.relative_to(FOLDER)).split(".")[0]
        for kind in ("logs", "metrics")
        for path in FOLDER.glob(f"*/*.{kind}.binpb")
    }
)
WITH_LOGS = [name for name in NAMES if (FOLDER / f"{name}.logs.binpb").exists()]

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


def drafts(name: str) -> list[Draft]:
    files = {kind: FOLDER / f"{name}.{kind}.binpb" for kind in KINDS}
    return [
        Draft(kind=KINDS[kind], body=path.read_bytes(), transport="grpc", content_type=PROTOBUF)
        for kind, path in files.items()
        if path.exists()
    ]


def readable(data: DataDir) -> str:
    with reading(data) as connection:
        tables = {name: rows(connection, sql) for name, sql in ASKED.items()}
    parts = [f'"{name}": [\n  ' + ",\n  ".join(map(one_line, lines)) + "\n]" for name, lines in tables.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


@pytest.mark.parametrize("name", NAMES)
def test_logs_and_metrics_read_as_the_golden_file_says(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seen = readable(keep(tmp_path, drafts(name)))
    golden = GOLDEN / f"{name}.logs.json"
    if request.config.getoption("--write-golden", default=False):
        golden.write_text(seen)
    assert seen == golden.read_text()


WAYS: dict[str, Callable[[list[Draft]], list[Draft]]] = {
    "backwards": lambda sent: sent[::-1],
    "three times": lambda sent: sent * 3,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WITH_LOGS)
def test_however_logs_arrive_they_are_listed_once_and_book_nothing(name: str, way: str, tmp_path: Path) -> None:
    sent = drafts(name)
    spans = [draft for draft in sent if draft.kind == OTLP_TRACES]
    with reading(keep(tmp_path / "once", sent)) as once, reading(keep(tmp_path / "way", WAYS[way](sent))) as again:
        for asked in (ASKED["logs"], ASKED["content"], ASKED["metrics"]):
            assert rows(once, asked) == rows(again, asked)
        money = rows(again, "SELECT sum(cost_usd) AS cost_usd, count(*) AS lines FROM charges")
    with reading(keep(tmp_path / "spans", spans)) as alone:
        assert rows(alone, "SELECT sum(cost_usd) AS cost_usd, count(*) AS lines FROM charges") == money

"""Which metrics bill: the table, the page that shows it, and data points of each convention read by it."""

from pathlib import Path

import pytest

from ingest.decode import decode
from ingest.dialects.meters import METERS, meter_of
from ledger.calls.meters import COST
from ledger.calls.meters import METERS as WORDS
from tests.ingest.decode.made import put
from tests.ingest.decode.made_logs import metrics, metrics_event

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def test_the_page_shows_every_line_of_the_table() -> None:
    shown = [f"| `{one.name}` | {f'`{one.type}`' if one.type else 'any'} | `{one.counts}` |" for one in METERS]
    assert [line for line in PAGE.read_text().splitlines() if line.startswith("| `")] == shown


def test_a_metric_and_a_type_come_once_and_count_what_the_books_know() -> None:
    assert len({(one.name, one.type) for one in METERS}) == len(METERS)
    assert {one.counts for one in METERS} == set(WORDS)


@pytest.mark.parametrize(
    ("name", "unit", "kind", "meter"),
    [
        ("claude_code.token.usage", "tokens", "cacheRead", "cache_read_tokens"),
        ("claude_code.token.usage", "tokens", None, None),
        ("claude_code.token.usage", "tokens", "other", None),
        ("gemini_cli.token.usage", "", "thought", "reasoning_tokens"),
        ("gemini_cli.token.usage", "", "tool", None),
        ("gen_ai.client.inference.usage.input_tokens", "{token}", None, "input_tokens"),
        ("gen_ai.usage.cost", "USD", "request", COST),
        ("gen_ai.usage.cost", "EUR", None, None),
        ("gen_ai.client.token.usage", "{token}", "input", None),
    ],
)
def test_a_point_counts_what_its_metric_and_type_say(name: str, unit: str, kind: str | None, meter: str | None) -> None:
    assert meter_of(name, unit, kind) == meter


def test_the_model_and_what_was_done_are_read_from_the_point() -> None:
    asked, listed = metrics()
    embedded = {"gen_ai.request.model": "gpt-4o", "gen_ai.operation.name": "embeddings"}
    for name, said in (
        ("gen_ai.client.inference.usage.input_tokens", embedded),
        ("claude_code.token.usage", {"model": "claude-sonnet-4-5", "type": "input", "session.id": "s", "user.id": "u"}),
        ("other", {"model": "gpt-4o", "type": "input"}),
    ):
        put(listed.add(name=name).sum.data_points.add(as_int=7).attributes, said)
    rows = decode([metrics_event(asked.SerializeToString())]).metrics.to_pylist()
    columns = ("meter", "operation", "provider", "request_model", "conversation_id")
    read = [[row[name] for name in columns] for row in rows]
    assert read == [
        ["input_tokens", "embeddings", "openai", "gpt-4o", None],
        ["fresh_input_tokens", "chat", "anthropic", "claude-sonnet-4-5", "s"],
        [None, "other", "openai", "gpt-4o", None],
    ]
    assert rows[1]["user_id"] == "u"

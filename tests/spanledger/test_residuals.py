"""An agent whose model's client reports nothing, through the commands: imported, settled, shown and explained.

Three thousand tokens in and three hundred out of gpt-4o-mini cost 3000 * 0.15e-6 + 300 * 0.6e-6 = 0.00063 USD.
"""

import json
from pathlib import Path

import pytest

from spanledger.cli import spanledger
from spanledger.cli.exits import run
from tests.ingest.decode.made import request

AGENT = {
    "name": "invoke_agent planner",
    "start_time_unix_nano": 1_790_000_000 * 10**9,
    "end_time_unix_nano": 1_790_000_009 * 10**9,
    "attributes": {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "planner",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 3_000,
        "gen_ai.usage.output_tokens": 300,
    },
}
WORK = {"name": "step", "parent_span_id": (1).to_bytes(8)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "agent.traces.binpb"
    file.write_bytes(request(AGENT, WORK).SerializeToString())
    assert run(spanledger, ["import", "--data", str(tmp_path / "data"), str(file)]) == 0
    return tmp_path / "data"


def said(data: Path, captured: pytest.CaptureFixture[str], *words: str) -> str:
    captured.readouterr()
    assert run(spanledger, [*words, "--data", str(data)]) == 0
    return captured.readouterr().out


def test_an_import_books_what_the_agent_knew_and_why_names_the_span(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(
        said(data, capsys, "sql", "SELECT call_id, signal, span_id, c.cost_usd, state FROM calls c, runs r")
    )
    assert found == {
        "call_id": found["call_id"], "signal": "settlement", "span_id": (1).to_bytes(8).hex(),
        "cost_usd": "0.00063", "state": "complete",
    }  # fmt: skip
    why = said(data, capsys, "why", found["call_id"], "--format", "table")
    assert "beyond_calls: it bills: the span of the agent or workflow around the calls knew of more tokens" in why
    assert f"what was left over of span {(1).to_bytes(8).hex()}" in why
    assert "span 0 of event 2" in why
    assert "gen_ai.usage.input_tokens" in why
    assert "residual" in why


def test_the_replay_of_the_run_ends_at_its_cost(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_id,) = json.loads(said(data, capsys, "sql", "SELECT run_id FROM runs")).values()
    steps = [json.loads(line) for line in said(data, capsys, "replay", run_id, "--format", "jsonl").splitlines()]
    assert [step["name"] for step in steps] == ["step", "invoke_agent planner", "beyond the calls"]
    assert steps[-1]["cost_so_far_usd"] == "0.00063"


def test_more_of_the_run_in_a_later_import_replaces_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {
        "name": "chat", "parent_span_id": (1).to_bytes(8), "span_id": (9).to_bytes(8),
        "attributes": {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 3_000, "gen_ai.usage.output_tokens": 300,
        },
    }  # fmt: skip
    file = tmp_path / "later.traces.binpb"
    file.write_bytes(request(call).SerializeToString())
    assert run(spanledger, ["import", "--data", str(data), str(file)]) == 0
    calls = said(data, capsys, "sql", "SELECT signal, cost_usd FROM calls")
    assert json.loads(calls) == {"signal": "span", "cost_usd": "0.00063"}
    total = said(data, capsys, "sql", "SELECT sum(cost_usd) AS usd, count(*) AS lines FROM charges")
    assert json.loads(total) == {"usd": "0.00063", "lines": 6}

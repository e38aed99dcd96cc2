"""Which runs the samples are, by the public views."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.paths import DataDir
from tests.golden.books import rows
from tests.golden.samples import SAMPLES, Sample
from tests.shown import shown

Posted = Callable[[Sample], DataDir]
BY_NAME = {sample.name: sample for sample in SAMPLES}


def asked(posted: Posted, name: str, sql: str) -> list[dict[str, Any]]:
    with shown(posted(BY_NAME[name])) as connection:
        return rows(connection, sql)


@pytest.mark.parametrize("name", ["openllmetry/langgraph_openllmetry", "otel_genai/langgraph_otel_genai"])
def test_a_span_that_creates_an_agent_is_no_run_and_has_none(posted: Posted, name: str) -> None:
    made = asked(posted, name, "SELECT run_id, trace_id FROM spans WHERE name LIKE 'create_agent%'")
    traces = asked(posted, name, "SELECT trace_id FROM run_traces")
    assert [one["run_id"] for one in made] in ([None], [])
    assert not {one["trace_id"] for one in made} & {one["trace_id"] for one in traces}


@pytest.mark.parametrize("name", ["openinference/openai_agents_openinference", "openllmetry/openai_agents_openllmetry"])
def test_a_handoff_is_no_tool_call_and_the_agents_before_and_after_it_are_one_run(posted: Posted, name: str) -> None:
    (handoff,) = asked(posted, name, "SELECT span_id, run_id FROM spans WHERE operation = 'handoff'")
    assert asked(posted, name, f"FROM call_views WHERE span_id = '{handoff['span_id']}'") == []
    (run,) = asked(posted, name, "SELECT run_id FROM runs")
    assert handoff["run_id"] == run["run_id"]
    agents = asked(posted, name, "SELECT count(DISTINCT agent_name) AS n FROM calls")
    assert agents[0]["n"] > 1


def test_each_run_of_an_agent_of_pydantic_ai_is_the_one_that_it_names(posted: Posted) -> None:
    found = asked(
        posted,
        "pydantic_ai/pydantic_ai",
        "SELECT run_rule, count(*) AS calls, count(DISTINCT run_id) AS runs FROM calls GROUP BY ALL",
    )
    assert found == [{"run_rule": "turn", "calls": 10, "runs": 3}]


def test_the_four_traces_of_one_session_of_litellm_are_one_run(posted: Posted) -> None:
    found = asked(posted, "litellm/litellm_otel_v2", "SELECT conversation_id, spans, model_calls FROM runs")
    assert found == [{"conversation_id": "sess-1", "spans": 4, "model_calls": 4}]
    assert len(asked(posted, "litellm/litellm_otel_v2", "FROM run_traces")) == 4


def test_a_trace_of_many_calls_of_one_session_is_a_run_with_all_its_spans(posted: Posted) -> None:
    found = asked(posted, "openinference/openinference_openai", "SELECT spans, model_calls FROM runs")
    assert found == [{"spans": 9, "model_calls": 8}]

"""Logs and metrics in SQL, and the content of logs with the span that they belong to."""

import json

import duckdb
import pytest

from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_LOGS, OTLP_TRACES
from ledger.paths import DataDir
from queries.connect import connect
from queries.replay.replay import content
from tests.golden.books import PROTOBUF, keep
from tests.ingest.decode import made, made_logs
from tests.ingest.decode.made import SPAN, TRACE

OTHER_TRACE = bytes(reversed(TRACE))
OTHER_SPAN = bytes(range(8, 0, -1))


def spans(**fields: object) -> Draft:
    body = made.request({"trace_id": TRACE, "span_id": SPAN, **fields}, scope="gen_ai").SerializeToString()
    return Draft(kind=OTLP_TRACES, body=body, transport="grpc", content_type=PROTOBUF)


def logs(*records: dict[str, object], tenant: str = "default") -> Draft:
    full = [{"trace_id": TRACE, "span_id": SPAN, **one} for one in records]
    body = made_logs.request(*full).SerializeToString()
    return Draft(kind=OTLP_LOGS, body=body, transport="grpc", content_type=PROTOBUF, tenant=tenant)


def message(role: str, text: str, time_ns: int, **fields: object) -> dict[str, object]:
    return {"event_name": f"gen_ai.{role}.message", "body": {"content": text}, "time_unix_nano": time_ns, **fields}


CHOICE = {"event_name": "gen_ai.choice", "body": {"message": "hello"}, "time_unix_nano": 9}


def said(data: DataDir) -> list[tuple[object, ...]]:
    with connect(data) as connection:
        return connection.execute("SELECT input, output, input_from, output_from FROM span_content").fetchall()


def test_the_samples_show_their_logs_and_metrics(connection: duckdb.DuckDBPyConnection) -> None:
    # claude_code 6, ms_agent_framework 8, openai_v2_default 15, otel_genai_openai_content 7
    assert connection.execute("SELECT count(*) FROM logs").fetchall() == [(36,)]
    counted = connection.execute("SELECT sum(logs), sum(points) FROM events").fetchall()
    listed = connection.execute("SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM metrics)").fetchall()
    assert counted == listed
    usage = "SELECT sum(input_tokens)::INT, sum(reported_cost_usd)::VARCHAR FROM logs WHERE dialect = 'claude_code'"
    assert connection.execute(usage).fetchall() == [(4018, "0.014802000000")]


@pytest.mark.parametrize("order", [1, -1])
def test_messages_in_logs_are_the_content_of_their_span_in_order_of_time(tmp_path, order: int) -> None:
    drafts = [
        spans(),
        logs(message("user", "second", 2), CHOICE),
        logs(message("system", "first", 1)),
        logs(message("user", "of another span", 1, span_id=OTHER_SPAN)),
        logs(message("user", "of another trace", 1, trace_id=OTHER_TRACE)),
        logs(message("user", "of nothing", 1, trace_id=b"", span_id=b"")),
        logs(message("user", "of another tenant", 1), tenant="other"),
    ]
    messages = '[{"content":"first"},{"content":"second"}]'
    assert said(keep(tmp_path, drafts[::order])) == [(messages, '[{"message":"hello"}]', "logs", "logs")]


def test_what_the_span_has_itself_wins(tmp_path) -> None:
    own = {"attributes": {"gen_ai.input.messages": "mine", "gen_ai.operation.name": "chat"}}
    assert said(keep(tmp_path, [spans(**own), logs(message("user", "x", 1), CHOICE)])) == [
        ("mine", '[{"message":"hello"}]', "span", "logs")
    ]


def test_details_of_the_inference_give_their_list_of_messages(tmp_path) -> None:
    details = {
        "event_name": "gen_ai.client.inference.operation.details",
        "attributes": {"gen_ai.operation.name": "chat", "gen_ai.input.messages": [{"role": "user"}, {"role": "tool"}]},
    }
    chat = {"attributes": {"gen_ai.operation.name": "chat"}}
    assert said(keep(tmp_path, [spans(**chat), logs(details)])) == [
        ('[{"role":"user"},{"role":"tool"}]', None, "logs", None)
    ]


def test_a_log_of_a_tool_is_no_content_of_the_agents_span_that_it_came_in(tmp_path) -> None:
    result = {
        "event_name": "gemini_cli.tool_call",
        "attributes": {"function_name": "f", "function_args": "x"},
    }
    agent = {"attributes": {"gen_ai.operation.name": "invoke_agent"}}
    assert said(keep(tmp_path, [spans(**agent), logs(result)])) == []


def test_text_that_looks_like_sql_or_broken_json_stays_text(tmp_path) -> None:
    prompt = "'; DROP TABLE spans; -- [\"broken"
    claude = {"event_name": "claude_code.user_prompt", "attributes": {"prompt": prompt}}
    ((found, *_),) = said(keep(tmp_path, [spans(), logs(claude)]))
    assert json.loads(found) == [prompt]


def test_one_step_of_a_replay_has_the_content_of_its_logs(tmp_path) -> None:
    data = keep(tmp_path, [logs(message("user", "early", 1)), spans(), *[logs(CHOICE)] * 2])
    with connect(data) as connection:
        ((run_id,),) = connection.execute("SELECT run_id FROM spans").fetchall()
        step = content(connection, run_id, {"signal": "span", "trace_id": TRACE.hex(), "span_id": SPAN.hex()})
    assert (step["input"], step["output"]) == ('[{"content":"early"}]', '[{"message":"hello"}]')

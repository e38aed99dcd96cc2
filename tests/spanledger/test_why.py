"""`spanledger why` over real captures: a call billed, one seen by two libraries, one unpriced, one that failed."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from queries.connect import connect
from spanledger.cli import spanledger
from spanledger.cli.exits import run
from spanledger.cli.why_text import as_text
from spanledger.samples import sample_directory
from spanledger.why.document import why
from tests.golden.variants import otlp_json
from tests.ingest.decode.made import request

CAPTURES = ("otel_genai_openai", "openinference_anthropic", "langgraph_openinference", "pydantic_ai")
BILLED = "063b8b03ca444e95"
STREAMED, STREAMED_AGAIN = "5ac97fc35fe5c6eb", "b14dd3de70c352ae"
"""One stream of the capture with two libraries: its span by the provider's own SDK, and by OpenInference."""
UNPRICED, FAILED = "6857f9b2e532c8d0", "fefbc2d4375448ee"
"""Calls of flaky-model, which no price book knows, and of bad-model, which the provider refused."""
IN_AGENT, AGENT = "e31bf17b5e4f0127", "b48454bf6cfc5dea"

Found = dict[str, Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("why") / "data"
    files = [str(path) for name in CAPTURES for path in sample_directory().glob(f"*/{name}.traces.binpb")]
    assert len(files) == len(CAPTURES)
    assert run(spanledger, ["import", "--data", str(root), *files]) == 0
    return root


def imported(root: Path, *requests: bytes) -> Path:
    """A ledger of `requests`, one event each."""
    for number, body in enumerate(requests):
        file = root / f"{number}.traces.binpb"
        file.write_bytes(body)
        assert run(spanledger, ["import", "--data", str(root / "data"), str(file)]) == 0
    return root / "data"


class Asker:
    """Asks `why` and gives what it wrote."""

    def __init__(self, data: Path, captured: pytest.CaptureFixture[str]) -> None:
        self._data, self._captured = data, captured

    def text(self, *args: str) -> str:
        assert run(spanledger, ["why", "--data", str(self._data), *args]) == 0
        return self._captured.readouterr().out

    def json(self, id_: str) -> Found:
        found: Found = json.loads(self.text(id_, "--format", "json"))
        return found

    def refusal(self, *args: str, code: int = 1) -> str:
        self._captured.readouterr()
        assert run(spanledger, ["why", "--data", str(self._data), *args]) == code
        return self._captured.readouterr().err


@pytest.fixture
def ask(data: Path, capsys: pytest.CaptureFixture[str]) -> Asker:
    return Asker(data, capsys)


def column(view: Found, name: str) -> Found:
    (found,) = [each for each in view["columns"] if each["column"] == name]
    return dict(found)


def test_a_billed_call_has_its_view_its_attributes_its_prices_and_its_place(ask: Asker) -> None:
    found = ask.json(BILLED)
    assert set(found) == {
        *("id", "kind", "tenant", "signal", "trace_id", "span_id", "source_seq", "span_index"),
        *("call", "views", "money", "placement"),
    }
    (view,) = found["views"]
    assert (view["billed"], view["reason"]) == (True, "sole_view")
    assert view["explained"] == "it bills: it is the only sighting of the call"
    used = column(view, "cache_read_tokens")
    assert (used["value"], used["source"]) == (1920, "gen_ai.usage.cache_read.input_tokens")
    # gpt-4o-mini: 86 * 0.15e-6 + 1920 * 0.075e-6 + 300 * 0.6e-6
    assert (found["money"]["cost_usd"], found["money"]["cost_status"]) == ("0.0003369", "priced")
    lines = {line["unit"]: line for line in found["money"]["lines"]}
    assert {unit: line["cost_usd"] for unit, line in lines.items()} == {
        "fresh_input_tokens": "0.0000129",
        "cache_read_tokens": "0.000144",
        "output_tokens": "0.00018",
    }
    price = lines["output_tokens"]["price"]
    assert (price["source"], price["published_by"], price["model"]) == ("genai-prices", 1, "gpt-4o-mini")


def test_the_event_is_that_of_the_journal(ask: Asker, data: Path) -> None:
    found = ask.json(BILLED)["views"][0]["event"]
    with connect(DataDir(data)) as connection:
        query = (
            f"SELECT transport, body_bytes, raw_sha256, received_ns FROM events WHERE event_seq = {found['event_seq']}"
        )
        assert connection.execute(query).fetchall() == [
            tuple(found[name] for name in ("transport", "body_bytes", "raw_sha256", "received_ns"))
        ]
    body = next(sample_directory().glob("*/otel_genai_openai.traces.binpb")).read_bytes()
    assert found["body_bytes"] == len(body)


def test_of_two_libraries_side_by_side_one_bills_and_the_other_says_why_not(ask: Asker) -> None:
    found = ask.json(STREAMED_AGAIN)
    bills, other = found["views"]
    assert (bills["span_id"], bills["billed"], bills["reason"]) == (STREAMED, True, "knows_most_of_call")
    assert (other["span_id"], other["billed"], other["reason"]) == (STREAMED_AGAIN, False, "same_response")
    assert other["duplicate_of"] == bills["view_id"] == found["call"]["call_id"]
    assert [column(view, "input_tokens")["source"] for view in (bills, other)] == [
        "gen_ai.usage.input_tokens",
        "llm.token_count.prompt",
    ]
    assert column(other, "response_id")["source"] == "output.value (inside: id)"
    assert found["call"] == ask.json(STREAMED)["call"]


def test_a_call_without_a_price_says_so_on_each_line(ask: Asker) -> None:
    money = ask.json(UNPRICED)["money"]
    assert (money["cost_usd"], money["cost_status"]) == (None, "unpriced")
    assert {line["unit"]: line["quantity"] for line in money["lines"]} == {
        "fresh_input_tokens": "86",
        "cache_read_tokens": "1920",
        "output_tokens": "300",
    }
    assert {line["reason"] for line in money["lines"]} == {"the price book does not know the model"}
    assert {line["price"]["valid_from_ns"] for line in money["lines"]} == {None}


def test_a_call_that_failed_books_nothing_and_says_what_failed(ask: Asker) -> None:
    found = ask.json(FAILED)
    assert found["money"]["explained"] == "nothing was booked: the call failed and states no usage"
    assert found["money"]["lines"] == []
    assert column(found["views"][0], "usage_status")["note"] == "no tokens, and it failed: status error"
    assert column(found["views"][0], "error_type")["source"] == "error.type"


def test_the_agent_and_the_run_come_from_the_span_above_that_says_them(ask: Asker) -> None:
    placed = {each["what"]: each for each in ask.json(IN_AGENT)["placement"]}
    assert list(placed) == ["agent", "run", "conversation", "user", "team"]
    agent, run_of, talk = placed["agent"], placed["run"], placed["conversation"]
    assert (agent["value"], agent["rule"], agent["by"]) == ("weather_agent", "ancestor", "ancestor")
    assert (agent["span_id"], agent["levels"]) == (AGENT, 2)
    assert (run_of["rule"], run_of["span_id"]) == ("agent", AGENT)
    assert (talk["value"], talk["by"], talk["span_id"]) == ("s-1", "self", IN_AGENT)
    assert (placed["user"]["value"], placed["user"]["by"]) == (None, "nobody")


def test_a_span_that_is_no_view_is_told_as_such(ask: Asker) -> None:
    found = ask.json(AGENT)
    assert (found["call"], found["money"]) == (None, None)
    assert [view["view_id"] for view in found["views"]] == [None]
    assert "no view of a call" in ask.text(AGENT, "--format", "table")


def test_an_estimate_of_an_sdk_is_shown_with_why_it_is_not_booked(ask: Asker, data: Path) -> None:
    with connect(DataDir(data)) as connection:
        query = "SELECT call_id FROM calls WHERE reported_source = 'operation.cost' AND cost_status = 'priced' LIMIT 1"
        ((call,),) = connection.execute(query).fetchall()
    (reported,) = ask.json(call)["money"]["reported"]
    assert (reported["source"], reported["preference"], reported["booked"]) == (
        "operation.cost",
        "where_no_price",
        False,
    )


def test_ids_of_a_view_a_call_and_a_charge_and_their_beginnings_lead_to_the_call(ask: Asker) -> None:
    found = ask.json(STREAMED_AGAIN)
    view, call = found["views"][1]["view_id"], found["call"]["call_id"]
    charge = found["money"]["lines"][0]["charge_id"]
    whole = f"{found['trace_id']}:{found['span_id']}"
    kinds = {
        "span": (whole, whole[:48]),
        "view": (view, view[:8]),
        "call": (call, call.upper()),
        "charge": (charge, charge[:10]),
    }
    for kind, ids in kinds.items():
        for text in ids:
            answer = ask.json(text)
            assert (answer["kind"], answer["call"]["call_id"]) == (kind, call)


def test_the_text_tells_it_in_order(ask: Asker) -> None:
    text = ask.text(STREAMED_AGAIN, "--format", "table")
    places = [text.index(word) for word in ("VIEWS", "COLUMNS", "MONEY", "PLACEMENT")]
    assert places == sorted(places)
    assert "the call was seen twice" in text
    assert "$0.007401, priced" in text
    assert "same_response: it does not bill" in text
    assert "llm.token_count.prompt_details.cache_read" in text


def test_an_id_that_nothing_has_ends_with_1_and_the_next_command(ask: Asker) -> None:
    assert "spanledger sql 'FROM calls'" in ask.refusal("f" * 32)
    trace = ask.json(BILLED)["trace_id"]
    assert "TRACE:SPAN" in ask.refusal(trace)
    run_id = ask.json(BILLED)["call"]["run_id"]
    assert f"spanledger replay {run_id[:8]}" in ask.refusal(run_id[:8])
    assert "6 to 32 hex digits" in ask.refusal("nonsense")
    assert "6 to 32 hex digits" in ask.refusal("abcde")


def test_over_http_it_says_that_it_needs_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["why", BILLED, "--url", "http://127.0.0.1:1"]) == 2
    assert "--data DIR" in capsys.readouterr().err


def test_a_beginning_that_several_have_lists_ten_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spans = [{"span_id": b"\xab\xcd\xef" + bytes(4) + bytes([number]), "name": "chat"} for number in range(1, 13)]
    ask = Asker(imported(tmp_path, request(*spans).SerializeToString()), capsys)
    words = ask.refusal("abcdef")
    assert "not unique" in words
    assert words.count("span 000102030405060708090a0b0c0d0e0f:abcdef") == 10
    assert "and more" in words
    assert ask.json("abcdef0000000001")["kind"] == "span"


def test_a_name_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "\x1b[31mred\u202e"}
    body = request({"name": "\x1b[2J", "attributes": said}).SerializeToString()
    ask = Asker(imported(tmp_path, body), capsys)
    for form in ("table", "json"):
        text = ask.text("0000000000000001", "--format", form)
        assert "red" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 100,
}
"""1,000 tokens in and 100 out of gpt-4o-mini: 1,000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD."""


def run_of(ask: Asker, span: str) -> Found:
    (found,) = (each for each in ask.json(span)["placement"] if each["what"] == "run")
    return dict(found)


def test_why_says_by_which_rule_a_call_is_of_its_run_and_who_named_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = {"attributes": CHAT | {"session.id": "talk"}}
    turn = {"attributes": CHAT | {"logfire.json_schema": "{}", "gen_ai.agent.call.id": "turn 1"}}
    made = {"name": "create_agent x", "attributes": {"gen_ai.operation.name": "create_agent"}}
    spans = [each | {"trace_id": bytes(15) + bytes([n])} for n, each in enumerate((talk, turn, made), start=1)]
    ask = Asker(imported(tmp_path, request(*spans).SerializeToString()), capsys)
    by_talk, by_turn, none = (run_of(ask, f"{n:016x}") for n in (1, 2, 3))
    assert (by_talk["rule"], by_talk["by"], len(by_talk["value"])) == ("conversation", "self", 32)
    assert "silence of more than 15 minutes" in by_talk["explained"]
    assert (by_turn["rule"], by_turn["by"], len(by_turn["value"])) == ("turn", "self", 32)
    assert (none["rule"], none["value"]) == (None, None)
    assert "run none: it is of no run: it defines an agent" in ask.text(f"{3:016x}", "--format", "table")


def test_a_line_that_was_taken_back_is_there_with_what_took_it_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, call = bytes(7) + b"\x09", "0000000000000001"
    inner = request({"parent_span_id": root, "attributes": CHAT})
    outer = request({"span_id": root, "name": "plan", "attributes": {"spanledger.run.id": "nightly", "user.id": "ann"}})
    ask = Asker(imported(tmp_path, inner.SerializeToString(), outer.SerializeToString()), capsys)
    found = ask.json(call)
    entries = sorted((line["unit"], line["entry"], line["cost_usd"]) for line in found["money"]["lines"])
    assert entries == [
        ("fresh_input_tokens", "booked", "0.00015"),
        ("fresh_input_tokens", "rebooked", "0.00015"),
        ("fresh_input_tokens", "reversal", "-0.00015"),
        ("output_tokens", "booked", "0.00006"),
        ("output_tokens", "rebooked", "0.00006"),
        ("output_tokens", "reversal", "-0.00006"),
    ]
    assert found["money"]["cost_usd"] == "0.00021"
    placed = {each["what"]: each for each in found["placement"]}
    assert (placed["run"]["rule"], placed["run"]["by"], placed["run"]["name"]) == ("explicit", "ancestor", "plan")
    assert (placed["user"]["value"], placed["user"]["by"], placed["user"]["levels"]) == ("ann", "ancestor", 1)
    assert "takes back charge" in ask.text(call, "--format", "table")


def test_a_cost_that_a_gateway_reports_is_booked_and_said_to_be_preferred(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = request({"attributes": {**CHAT, "gen_ai.usage.cost": 0.0003}}).SerializeToString()
    money = Asker(imported(tmp_path, body), capsys).json("0000000000000001")["money"]
    (reported,) = money["reported"]
    assert (reported["cost_usd"], reported["source"]) == ("0.0003", "gen_ai.usage.cost")
    assert (reported["preference"], reported["booked"]) == ("always", True)
    assert "preferred to the computed cost" in reported["explained"]
    assert (money["cost_usd"], money["lines"][-1]["unit"]) == ("0.0003", "reported_difference")


def test_what_another_view_of_the_call_says_of_the_caller_is_told_with_that_view(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The provider's span lies in a trace of its own; the application's names the agent. Both name the response."""
    same = {**CHAT, "gen_ai.response.id": "resp-1"}
    app = request({"name": "app", "attributes": {**same, "gen_ai.agent.name": "clerk"}}, scope="app")
    gateway = request({"name": "gateway", "attributes": same}, scope="gateway", resource={"service.name": "gateway"})
    gateway.resource_spans[0].scope_spans[0].spans[0].trace_id = b"\x77" * 16
    data = imported(tmp_path, app.SerializeToString(), gateway.SerializeToString())
    found = Asker(data, capsys).json(f"{'77' * 16}:0000000000000001")
    assert [view["name"] for view in found["views"]] == ["app", "gateway"]
    agent = found["placement"][0]
    assert (agent["value"], agent["by"], agent["name"]) == ("clerk", "other view", "app")


def test_an_event_sent_as_json_is_read_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.traces.json"
    file.write_bytes(otlp_json(request({"attributes": CHAT}).SerializeToString()))
    data = tmp_path / "data"
    assert run(spanledger, ["import", "--data", str(data), str(file)]) == 0
    (view,) = Asker(data, capsys).json("0000000000000001")["views"]
    assert column(view, "input_tokens")["source"] == "gen_ai.usage.input_tokens"


def test_an_older_reading_is_told_apart_from_the_one_shown(data: Path) -> None:
    with connect(DataDir(data)) as connection, JournalReader(DataDir(data)) as journal:
        found = why(connection, journal, BILLED)
    assert "this program reads it as" not in as_text(found)
    found["views"][0]["mapping_version"] -= 1
    assert "this program reads it as otel_genai, mapping version 2, and that is shown" in as_text(found)


@pytest.fixture(scope="module")
def claude(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("claude") / "data"
    files = [str(path) for path in sample_directory().glob("claude_code/*.binpb")]
    assert len(files) == 3
    assert run(spanledger, ["import", "--data", str(root), *files]) == 0
    return root


def test_a_call_seen_as_span_and_log_tells_which_bills_and_who_said_what_it_cost(
    claude: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = Asker(claude, capsys)
    with connect(DataDir(claude)) as connection:
        query = "SELECT span_id, (SELECT count(*) FROM call_views v WHERE v.call_id = c.call_id) FROM calls c "
        ((span_id, views), _) = connection.execute(query + "WHERE kind = 'model' ORDER BY started_ns").fetchall()
    assert views == 2
    found = ask.json(str(span_id))
    span, log = sorted(found["views"], key=lambda view: view["signal"], reverse=True)
    assert (span["signal"], span["billed"], span["reason"]) == ("span", True, "knows_most_of_call")
    assert (log["signal"], log["billed"], log["reason"]) == ("log", False, "same_response")
    assert log["duplicate_of"] == span["view_id"]
    assert column(log, "reported_cost_usd")["source"] == "cost_usd_micros"
    assert column(log, "input_tokens")["value"] == column(span, "input_tokens")["value"] == 2009
    (reported,) = found["money"]["reported"]
    assert (reported["view_id"], reported["booked"], reported["cost_usd"]) == (log["view_id"], True, "0.007401")
    assert found["money"]["cost_usd"] == "0.007401"
    text = ask.text(str(span_id), "--format", "table")
    assert "the call was seen twice" in text
    assert f"log record {log['span_index']} of event {log['source_seq']}" in text


def test_a_log_record_is_asked_about_by_the_id_of_its_view(claude: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = Asker(claude, capsys)
    with connect(DataDir(claude)) as connection:
        query = "SELECT view_id, call_id FROM call_views WHERE signal = 'log' LIMIT 1"
        ((view_id, call_id),) = connection.execute(query).fetchall()
    found = ask.json(view_id)
    assert (found["kind"], found["signal"], found["call"]["call_id"]) == ("view", "log", call_id)
    talk = {each["what"]: each for each in found["placement"]}["conversation"]
    assert (talk["value"], talk["by"]) == ("c05f1967-f87d-4a84-8099-cdbd8ac7a9b0", "self")
    assert "(asked for)" in ask.text(view_id, "--format", "table")


def test_a_call_that_only_a_log_tells_of_is_told_by_the_id_of_its_charge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = next(sample_directory().glob("claude_code/*.logs.binpb"))
    assert run(spanledger, ["import", "--data", str(tmp_path / "data"), str(file)]) == 0
    ask = Asker(tmp_path / "data", capsys)
    with connect(DataDir(tmp_path / "data")) as connection:
        ((charge_id, call_id), *_) = connection.execute("SELECT charge_id, call_id FROM charges").fetchall()
    found = ask.json(charge_id)
    assert (found["kind"], found["signal"], found["call"]["call_id"]) == ("charge", "log", call_id)
    assert found["money"]["cost_usd"] == "0.007401"
    assert found["views"][0]["reason"] == "sole_view"

"""The HTTP API: shapes, errors, and the guard of its port."""

import json
from decimal import Decimal

import duckdb
import pytest

from ledger.paths import DataDir
from tests.queries.asking import Ask

LOOP = "/api/v1/runs?agent=invoice_clerk"


def loop(ask: Ask) -> str:
    return str(json.loads(ask(LOOP).body)["items"][0]["run_id"])


def test_lists_follow_their_own_cursor_to_the_end(ask: Ask) -> None:
    seen, after = [], ""
    while after is not None:
        page = json.loads(ask(f"/api/v1/runs?limit=9&after={after}").body)
        assert set(page) == {"items", "next"}
        seen += [run["run_id"] for run in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) > 18


def test_money_is_a_string_and_exact(ask: Ask, connection: duckdb.DuckDBPyConnection) -> None:
    items = json.loads(ask("/api/v1/costs?by=model").body)["items"]
    total = sum(Decimal(item["cost_usd"]) for item in items if item["cost_usd"] is not None)
    assert connection.execute("SELECT sum(cost_usd) FROM charges").fetchall() == [(total,)]
    assert all(isinstance(item["calls"], int) for item in items)


def test_the_replay_of_a_run_comes_in_windows(ask: Ask) -> None:
    run_id = loop(ask)
    first = json.loads(ask(f"/api/v1/runs/{run_id}/replay").body)
    rest = json.loads(ask(f"/api/v1/runs/{run_id}/replay?from={first['next']}").body)
    assert len(first["items"]) + len(rest["items"]) == first["total"] == 501
    assert rest["items"][-1]["cost_so_far_usd"] == first["run"]["cost_usd"] == "25"
    assert rest["next"] is None


def test_one_step_gives_everything_the_span_says(ask: Ask) -> None:
    step = json.loads(ask(f"/api/v1/runs/{loop(ask)}/steps/2").body)
    assert step["input_tokens"] == 36_000
    assert [line["cost_usd"] for line in step["charges"]] == ["0.09", "0.01"]


def test_loops_say_what_was_spent_after_the_first_call(ask: Ask) -> None:
    items = json.loads(ask("/api/v1/loops?least=200").body)["items"]
    assert [(item["kind"], item["repeats"], item["cost_since_usd"]) for item in items] == [
        ("model", 249, "24.8"),
        ("tool", 250, None),
    ]
    assert len(json.loads(ask("/api/v1/loops?limit=1").body)["items"]) == 1


def test_usage_is_that_of_whole_days_and_says_what_it_knows_of(ask: Ask, connection: duckdb.DuckDBPyConnection) -> None:
    """The runaway loop of 16 November 2026: 250 calls of 36,000 and 1,000 tokens at 0.10 USD."""
    answer = json.loads(ask("/api/v1/usage?from=2026-11-16&to=2026-11-17").body)
    names = ("provider", "request_model", "calls", "input_tokens", "output_tokens", "cost_usd", "unpriced")
    figures = [tuple(item[name] for name in names) for item in answer["items"]]
    assert ("openai", "gpt-4o", 250, 9_000_000, 250_000, "25", 0) in figures
    assert {item["day"] for item in answer["items"]} == {"2026-11-16"}
    assert answer["as_of"] == json.loads(ask("/readyz").body)["posted_seq"]
    assert json.loads(ask("/api/v1/usage?from=2026-11-16&to=2026-11-16").body)["items"] == []
    always = json.loads(ask("/api/v1/usage?from=1970-01-01&to=2262-01-01").body)["items"]
    billed = "SELECT count(*) FROM calls WHERE kind = 'model' AND usage_status <> 'failed'"
    assert connection.execute(billed).fetchall() == [(sum(item["calls"] for item in always),)]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/runs/abc", 400),
        ("/api/v1/runs/ffffffffffff", 404),
        ("/api/v1/runs?limit=0", 400),
        ("/api/v1/runs?after=x", 400),
        ("/api/v1/runs?state=lost", 400),
        ("/api/v1/costs?by=mood", 400),
        ("/api/v1/costs?since=soon", 400),
        ("/api/v1/loops?least=1", 400),
        ("/api/v1/usage", 400),
        ("/api/v1/usage?from=2026-11-16", 400),
        ("/api/v1/usage?from=2026-11-17&to=2026-11-16", 400),
        ("/api/v1/usage?from=monday&to=2026-11-16", 400),
        ("/api/v1/nothing", 404),
    ],
)
def test_every_error_is_a_problem(ask: Ask, path: str, status: int) -> None:
    answer = ask(path)
    body = json.loads(answer.body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status


@pytest.mark.parametrize("host", ["127.0.0.1:8317", "localhost", "LOCALHOST:1", "[::1]:8317", "192.168.1.4:8317"])
def test_addresses_and_localhost_are_answered(ask: Ask, host: str) -> None:
    assert ask("/healthz", host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8317", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_a_name_that_is_not_ours_is_turned_away(ask: Ask, host: str) -> None:
    answer = ask("/api/v1/runs", host=host)
    assert answer.status == 421
    assert "content-security-policy" in answer.headers


def test_a_page_of_another_origin_is_turned_away(ask: Ask) -> None:
    assert ask("/api/v1/runs", origin="https://evil.example").status == 403
    assert ask("/api/v1/runs", origin="null").status == 403
    assert ask("/api/v1/runs", origin="http://127.0.0.1:8317").status == 200


def test_telemetry_at_the_wrong_port_is_told_the_right_one(ask: Ask) -> None:
    answer = ask("/v1/traces", method="POST")
    assert answer.status == 404
    assert "4318" in answer.text


def test_metrics_are_prometheus_text_with_help_and_type(ask: Ask) -> None:
    answer = ask("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    series = {line.split()[0]: line.split()[1] for line in answer.text.splitlines() if not line.startswith("#")}
    assert float(series["spanledger_cost_usd_total"]) > 25
    assert series["spanledger_lag_events"] == "0"
    for sample in series:
        name = sample.partition("{")[0]
        assert answer.text.count(f"# HELP {name} ") == answer.text.count(f"# TYPE {name} ") == 1


def test_what_the_collector_counts_is_among_the_metrics(books: DataDir, ask: Ask) -> None:
    counted = books.run / "collector.json"
    counted.write_text('{"spans_total{transport=\\"grpc\\"}": 3, "spans_total{transport=\\"http\\"}": 4, "waiting": 0}')
    try:
        lines = ask("/metrics").text.splitlines()
    finally:
        counted.unlink()
    assert 'spanledger_collector_spans_total{transport="grpc"} 3' in lines
    assert lines.count("# TYPE spanledger_collector_spans_total counter") == 1
    assert lines.count("# TYPE spanledger_collector_waiting gauge") == 1


def test_readiness_names_cursor_and_end(ask: Ask) -> None:
    body = json.loads(ask("/readyz").body)
    assert body["status"] == "ready"
    assert body["posted_seq"] == body["durable_seq"] > 1


def test_no_documentation_page_calls_out(ask: Ask) -> None:
    assert ask("/docs").status == ask("/redoc").status == 404
    assert json.loads(ask("/api/v1/openapi.json").body)["info"]["title"] == "Spanledger"

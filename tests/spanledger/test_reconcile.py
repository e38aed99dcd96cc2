"""`spanledger reconcile` in this process: planted differences are found and named, and what was found is recorded."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger.books.reconciled import read_reconciliation
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.store.digest import digests
from spanledger.cli import spanledger
from spanledger.cli.exits import run

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY_S = 86_400
MIDNIGHT_S = int(NOON.timestamp()) - DAY_S // 2
GPT, MINI, MYSTERY, CLAUDE = (
    "gpt-4o-2024-08-06",
    "gpt-4o-mini-2024-07-18",
    "gpt-99-mystery",
    "claude-sonnet-4-5-20250929",
)
CALLS = [("openai", GPT, 1_000, 100)] * 3 + [("openai", MYSTERY, 500, 50)] + [("anthropic", CLAUDE, 2_000, 300)] * 2
"""gpt-4o costs 2.5 and 10 USD a million: 0.0035 USD a call here. claude-sonnet-4-5 costs 3 and 15: 0.0105 USD."""


def telemetry(calls: Sequence[tuple[str, str, int, int]], at: datetime = NOON, first: int = 1) -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    spans = resource.scope_spans.add().spans
    for number, (provider, model, tokens_in, tokens_out) in enumerate(calls, first):
        span = spans.add(name="chat", trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"))
        span.end_time_unix_nano = int(at.timestamp()) * 10**9
        span.start_time_unix_nano = span.end_time_unix_nano - 10**9
        texts = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.response.model": model,
        }
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        for key, count in (("gen_ai.usage.input_tokens", tokens_in), ("gen_ai.usage.output_tokens", tokens_out)):
            span.attributes.add(key=key).value.int_value = count
    return message.SerializeToString()


class Shop:
    """A data directory, and files beside it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._root, self._capsys, self.data = root, capsys, DataDir(root / "data")

    def keep(self, body: bytes) -> None:
        (self._root / "a.traces.binpb").write_bytes(body)
        assert run(spanledger, ["import", str(self._root / "a.traces.binpb")]) == 0

    def saved(self, name: str, said: object) -> str:
        (self._root / name).write_text(json.dumps(said))
        return str(self._root / name)

    def openai(self, name: str, *results: dict[str, Any], more: bool = False) -> str:
        one = {"object": "bucket", "start_time": MIDNIGHT_S, "end_time": MIDNIGHT_S + DAY_S, "results": list(results)}
        return self.saved(name, {"object": "page", "data": [one], "has_more": more})

    def asked(self, *words: str) -> list[dict[str, Any]]:
        self._capsys.readouterr()
        assert run(spanledger, list(words)) == 0
        captured = self._capsys.readouterr()
        self.told = captured.err
        return [json.loads(line) for line in captured.out.splitlines()]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    monkeypatch.setenv("SPANLEDGER_DATA", str(tmp_path / "data"))
    made = Shop(tmp_path, capsys)
    made.keep(telemetry(CALLS))
    return made


def usage(model: str, requests: int, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    return {
        "object": "organization.usage.completions.result",
        "model": model,
        "num_model_requests": requests,
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
    }


def cost(item: str | None, usd: float) -> dict[str, Any]:
    return {"object": "organization.costs.result", "amount": {"value": usd, "currency": "usd"}, "line_item": item}


def brief(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    counts = ("ledger_calls", "provider_requests", "ledger_cost_usd", "provider_cost_usd", "difference_usd", "agrees")
    return [(row["model"], *(row[name] for name in counts)) for row in rows]


def of_openai(shop: Shop) -> tuple[str, str]:
    """One call more than the ledger has, one model that it has no price for, one that it never saw, and searches."""
    used = shop.openai("usage.json", usage(GPT, 4, 4_000, 400), usage(MYSTERY, 1, 500, 50), usage(MINI, 7, 70_000, 0))
    billed = shop.openai(
        "costs.json",
        cost(f"{GPT}, input", 0.01),
        cost(f"{GPT}, output", 0.004),
        cost(f"{MYSTERY}, input", 0.002),
        cost(f"{MINI}, input", 0.0105),
        cost("Web search tool calls", 0.05),
    )
    return used, billed


def test_a_missing_call_an_unpriced_one_and_one_outside_the_ledger_are_found(shop: Shop) -> None:
    rows = shop.asked("reconcile", *of_openai(shop))
    assert brief(rows) == [
        (None, 4, 12, "0.0105", "0.0765", "0.066", False),
        ("gpt-4o", 3, 4, "0.0105", "0.014", "0.0035", False),
        ("gpt-4o-mini", 0, 7, None, "0.0105", None, False),
        (MYSTERY, 1, 1, None, "0.002", None, False),
    ]
    causes = [row["causes"].split("\n") for row in rows]
    assert causes[0] == [
        "8 calls not in the ledger",
        "1 call here without a known price: `spanledger prices`",
        "billed for no model: Web search tool calls 0.05 USD",
    ]
    assert causes[1] == ["1 call not in the ledger"]
    assert causes[2] == ["no call of it is in the ledger: it was used outside, perhaps with a key of somebody's own"]
    assert causes[3] == ["1 call here without a known price: `spanledger prices`"]
    assert "0 of 4 rows agree, on 1 days; the provider bills 0.066 USD beyond the ledger" in shop.told


def test_what_agrees_says_so_and_cents_are_cents(shop: Shop) -> None:
    one = {"starting_at": "2026-11-20T00:00:00Z", "ending_at": "2026-11-21T00:00:00Z"}
    tokens = {"model": CLAUDE, "uncached_input_tokens": 400, "cache_read_input_tokens": 3_600, "output_tokens": 600}
    used = shop.saved("used.json", {"data": [one | {"results": [tokens]}]})
    amount = {"amount": "2.1", "currency": "USD", "model": CLAUDE, "description": "Tokens"}
    billed = shop.saved("billed.json", {"data": [one | {"results": [amount]}]})
    assert brief(shop.asked("reconcile", used, billed)) == [
        (None, 2, None, "0.021", "0.021", "0", True),
        ("claude-sonnet-4-5", 2, None, "0.021", "0.021", "0", True),
    ]


def test_other_prices_and_calls_beyond_the_bill_are_named(shop: Shop) -> None:
    mystery = usage(MYSTERY, 1, 500, 50)
    used = shop.openai("a.json", usage(GPT, 3, 3_000, 300), mystery)
    assert [(row["agrees"], row["causes"]) for row in shop.asked("reconcile", used)] == [(True, None)] * 3
    dear = shop.openai("b.json", cost(f"{GPT}, input", 0.9))
    rows = {row["model"]: row for row in shop.asked("reconcile", dear, used, "--tolerance", "0.5")}
    assert rows["gpt-4o"]["causes"] == (
        "the same tokens at other prices: `spanledger prices show`, and an override for an agreement"
    )
    fewer = shop.openai("d.json", usage(GPT, 1, 1_000, 100))
    rows = {row["model"]: row for row in shop.asked("reconcile", fewer)}
    assert rows["gpt-4o"]["causes"].startswith("2 calls more here: answers of a cache or a mock")


def test_a_model_or_a_day_that_the_provider_does_not_name_was_not_used_by_its_account(shop: Shop) -> None:
    rows = {row["model"]: row for row in shop.asked("reconcile", shop.openai("a.json", usage(GPT, 3, 3_000, 300)))}
    mystery = rows[MYSTERY]
    assert (mystery["provider_requests"], mystery["provider_cost_usd"], mystery["agrees"]) == (0, None, False)
    assert mystery["causes"].startswith("1 call more here")
    before = {"start_time": MIDNIGHT_S - DAY_S, "end_time": MIDNIGHT_S, "results": [usage(GPT, 1, 1, 1)]}
    nothing = {"start_time": MIDNIGHT_S, "end_time": MIDNIGHT_S + DAY_S, "results": []}
    found = shop.asked("reconcile", shop.saved("b.json", {"data": [before, nothing]}))
    rows = {(row["day"], row["model"]): row for row in found}
    assert rows["2026-11-20", None]["causes"].startswith("4 calls more here")
    assert rows["2026-11-19", "gpt-4o"]["causes"].startswith("no call of it is in the ledger")


def test_names_of_any_length_are_compared_and_files_of_one_name_are_told_apart(shop: Shop, tmp_path: Path) -> None:
    shop.keep(telemetry([("openai", "m" * 600, 10, 1)], first=100))
    (tmp_path / "other").mkdir()
    files = shop.openai("a.json", usage(GPT, 3, 3_000, 300)), shop.openai("other/a.json", cost(f"{GPT}, input", 0.01))
    rows = shop.asked("reconcile", *files)
    assert [len(row["model"]) for row in rows if row["model"] and row["model"].startswith("mm")] == [256]
    (event,) = shop.asked("sql", "SELECT event_seq FROM events WHERE kind = 'reconciliation.recorded'")
    with JournalReader(shop.data) as journal:
        found = read_reconciliation(journal.get(event["event_seq"]).body)
    assert sorted(found.statements.values()) == ["a.json", "a.json"]


def test_calls_near_midnight_may_be_of_the_day_before_for_the_provider(shop: Shop) -> None:
    shop.keep(telemetry([("openai", GPT, 1_000, 100)] * 7, datetime(2026, 11, 20, 0, 1, tzinfo=UTC), first=100))
    (_, row, *_) = shop.asked("reconcile", shop.openai("a.json", usage(GPT, 3, 3_000, 300)))
    assert "7 calls here ended near midnight: the provider may count them a day apart" in row["causes"]


def test_what_was_found_is_an_event_and_stays_as_it_was_found(shop: Shop) -> None:
    files = of_openai(shop)
    found = shop.asked("reconcile", *files)
    assert ": recorded" in shop.told
    (again,) = [shop.asked("reconcile", *files)]  # as of a later event, but the ledger says the same
    kept = shop.asked("sql", "SELECT * FROM reconciliations ORDER BY event_seq, provider, day, model NULLS FIRST")
    assert len(kept) == 8
    assert brief(kept[:4]) == brief(found) == brief(again)
    assert [row["causes"] for row in kept[:4]] == [row["causes"] for row in found]
    before = digests(shop.data)
    assert run(spanledger, ["rebuild"]) == 0
    assert digests(shop.data) == before


def test_a_dry_run_records_nothing(shop: Shop) -> None:
    assert len(shop.asked("reconcile", *of_openai(shop), "--dry-run")) == 4
    assert "nothing was recorded" in shop.told
    assert shop.asked("sql", "FROM reconciliations") == []


def test_a_day_that_is_not_covered_whole_and_further_pages_are_told(shop: Shop) -> None:
    half = {"start_time": MIDNIGHT_S, "end_time": MIDNIGHT_S + 3_600, "results": [usage(GPT, 1, 1, 1)]}
    assert shop.asked("reconcile", shop.saved("half.json", {"data": [half], "has_more": True})) == []
    assert "openai usage completions says nothing of 23:00:00 of 2026-11-20: the day is left out" in shop.told
    assert "half.json: the provider has further pages" in shop.told
    assert "no day is covered whole by these files: nothing was compared" in shop.told


def test_a_file_that_is_no_statement_ends_with_1_and_its_name(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["reconcile", shop.saved("odd.json", {"data": [{"results": [{}]}]})]) == 1
    assert "odd.json: {} is of no source that can be read: openai costs, openai usage" in capsys.readouterr().err


def test_a_tolerance_that_is_no_money_is_a_usage_error(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["reconcile", *of_openai(shop), "--tolerance", "much"]) == 2
    assert "'much' is no amount of USD" in capsys.readouterr().err

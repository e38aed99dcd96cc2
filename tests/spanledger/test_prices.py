"""`spanledger prices` in this process, over a ledger made by `import`."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.books.compile import compile_records
from ledger.books.format import encode
from spanledger.cli import spanledger
from spanledger.cli.exits import run
from spanledger.samples import sample_directory

LOOP_USD = "25"


def doubled(model: str) -> bytes:
    """The installed list with every price of OpenAI's `model` doubled."""
    records = compile_records()
    for record in records:
        if (record["record"], record["provider"], record.get("model")) == ("price", "openai", model):
            record["price_usd"] *= 2
    return encode(records, "test", "doubled")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "data"
    monkeypatch.setenv("SPANLEDGER_DATA", str(root))
    assert run(spanledger, ["import", str(sample_directory() / "runaway_loop" / "runaway_loop.traces.binpb")]) == 0
    return root


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(spanledger, list(words)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def spent(capsys: pytest.CaptureFixture[str]) -> object:
    return asked(capsys, "sql", "SELECT sum(cost_usd) AS usd FROM charges")[0]["usd"]


def test_prices_can_be_looked_at_before_there_is_a_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPANLEDGER_DATA", str(tmp_path / "nothing"))
    rows = asked(capsys, "prices", "show", "gpt-4o", "--provider", "openai", "--at", "2026-01-01")
    assert [row["price_usd"] for row in rows if row["unit"] == "fresh_input_tokens"] == ["2.5"]
    assert not (tmp_path / "nothing").exists()


def test_a_data_directory_that_was_named_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["prices", "ls", "--data", str(tmp_path / "nothing")]) == 1
    assert "spanledger serve --data" in capsys.readouterr().err


def test_an_unknown_model_ends_with_1_and_the_nearest_names(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["prices", "show", "claude-sonet-4-5"]) == 1
    assert "the nearest names are claude-sonnet-4-5" in capsys.readouterr().err


def test_an_imported_book_is_in_force_from_then_on_and_changes_nothing_that_is_booked(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dear.parquet"
    file.write_bytes(doubled("gpt-4o"))
    before = spent(capsys)
    assert run(spanledger, ["prices", "import", str(file)]) == 0
    assert "20 changed" in capsys.readouterr().err
    assert spent(capsys) == before == LOOP_USD
    assert [row["source_version"] for row in asked(capsys, "sql", "FROM price_books ORDER BY event_seq")][1:] == [
        "doubled"
    ]
    changes = asked(capsys, "prices", "diff", "seed", "current")
    assert {(row["change"], Decimal(row["after_usd"]) / Decimal(row["before_usd"])) for row in changes} == {
        ("changed", Decimal(2))
    }


def test_a_book_in_force_is_not_published_again_and_an_older_one_may_come_back(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dear.parquet"
    file.write_bytes(doubled("gpt-4o"))
    for words in ([], [str(file)], [str(file)], [], []):
        assert run(spanledger, ["prices", "import", *words]) == 0
    published = asked(capsys, "sql", "SELECT source FROM price_books ORDER BY event_seq")
    assert [row["source"] for row in published] == ["genai-prices", "test", "genai-prices"]


def test_a_file_that_is_no_book_is_refused_and_nothing_is_appended(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "book.parquet"
    file.write_bytes(b"PAR1 or so")
    events = asked(capsys, "sql", "SELECT count(*) AS n FROM events")
    assert run(spanledger, ["prices", "import", str(file)]) == 1
    assert "not a Parquet file" in capsys.readouterr().err
    assert asked(capsys, "sql", "SELECT count(*) AS n FROM events") == events


def test_check_says_that_the_book_is_sound_and_lists_what_is_odd(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(spanledger, ["prices", "check"]) == 0
    said = capsys.readouterr()
    assert "sound: genai-prices" in said.err
    odd = [json.loads(line) for line in said.out.splitlines()]
    assert sum(row["odd"].startswith("rounded from") for row in odd) == 28


RULES = """
overrides:
  - id: half
    match: {provider: openai}
    multiply: "0.5"
    reason: agreement 4711
    author: jane
"""


def test_overrides_are_set_listed_and_ended(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    assert run(spanledger, ["prices", "override", str(file)]) == 0
    (row,) = asked(capsys, "prices", "override")
    assert (row["override_id"], row["provider"], row["multiply"], row["author"]) == ("half", "openai", "0.5", "jane")
    assert spent(capsys) == LOOP_USD
    assert run(spanledger, ["prices", "override", "--remove", "haf"]) == 1
    assert "near are half" in capsys.readouterr().err
    assert run(spanledger, ["prices", "override", "--remove", "half", "--reason", "expired"]) == 0
    assert asked(capsys, "prices", "override") == []
    file.write_text(RULES.replace('"0.5"', "0.5"))
    assert run(spanledger, ["prices", "override", str(file)]) == 1
    assert "not in quotes" in capsys.readouterr().err
    assert run(spanledger, ["prices", "override", str(file), "--remove", "half"]) == 2


def test_of_rules_that_say_as_much_the_last_one_holds_in_what_is_shown_as_in_what_is_booked(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight rules in one file, of which the last takes 0.8 of the 25 USD: 20."""
    rules = "".join(RULE.format(tenths=tenths) for tenths in (1, 3, 5, 7, 9, 2, 4, 8))
    (tmp_path / "rules.yaml").write_text("overrides:" + rules)
    assert run(spanledger, ["prices", "override", str(tmp_path / "rules.yaml")]) == 0
    listed = asked(capsys, "prices", "override")
    assert [(row["override_id"], row["position"]) for row in listed] == [
        (f"tenths-{tenths}", position) for position, tenths in enumerate((1, 3, 5, 7, 9, 2, 4, 8), 1)
    ]
    words = ("prices", "rerate", "--since", "2020-01-01", "--book", "current")
    assert [row["after_usd"] for row in asked(capsys, *words, "--dry-run")] == ["20"]
    asked(capsys, *words)
    assert spent(capsys) == "20"


RULE = """
  - {{id: tenths-{tenths}, match: {{provider: openai, model: "gpt*"}}, multiply: "0.{tenths}", reason: x, author: j}}"""


def test_a_re_rating_is_shown_first_ordered_then_and_does_what_was_shown(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dear.parquet"
    file.write_bytes(doubled("gpt-4o"))
    assert run(spanledger, ["prices", "rerate", "--since", "2020-01-01", "--book", str(file)]) == 1
    assert "was not published here" in capsys.readouterr().err
    assert run(spanledger, ["prices", "import", str(file)]) == 0
    words = ("prices", "rerate", "--since", "2020-01-01", "--book", "current")
    (row,) = asked(capsys, *words, "--dry-run")
    assert (row["model"], row["calls"], row["before_usd"], row["after_usd"], row["difference_usd"]) == (
        "gpt-4o-2024-08-06", 250, "25", "50", "25",
    )  # fmt: skip
    assert (row["unpriced_before"], row["unpriced_after"]) == (0, 0)
    assert asked(capsys, "sql", "FROM rerates") == []
    assert asked(capsys, *words, "--reason", "a wrong list", "--author", "jane") == [row]
    assert spent(capsys) == "50"
    sums = "SELECT (SELECT sum(cost_usd) FROM {}) = 50 AS equal"
    for view in ("cost_by_agent", "cost_by_model", "runs", "calls"):
        assert asked(capsys, "sql", sums.format(view)) == [{"equal": True}]
    (order,) = asked(capsys, "sql", "FROM rerates")
    assert (order["reason"], order["author"], order["calls"]) == ("a wrong list", "jane", 250)
    before = asked(capsys, "sql", f"SELECT sum(cost_usd) AS usd FROM charges_as_of({order['event_seq'] - 1})")
    assert before == [{"usd": LOOP_USD}]
    assert asked(capsys, *words) == []
    assert len(asked(capsys, "sql", "FROM rerates")) == 1
    assert run(spanledger, ["rebuild"]) == 0
    assert spent(capsys) == "50"


def test_a_book_may_be_published_into_a_ledger_that_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPANLEDGER_DATA", str(tmp_path / "new"))
    assert run(spanledger, ["prices", "import"]) == 0
    assert "is in force already" in capsys.readouterr().err
    (tmp_path / "dear.parquet").write_bytes(doubled("gpt-4o"))
    assert run(spanledger, ["prices", "import", str(tmp_path / "dear.parquet")]) == 0
    published = asked(capsys, "sql", "SELECT source FROM price_books ORDER BY event_seq")
    assert [row["source"] for row in published] == ["genai-prices", "test"]


FEES = """
overrides:
  - {id: book, match: {tool: "book_*", unit: tool_calls}, price_usd: "0.02", reason: contract, author: jane}
  - {id: none, match: {tool: other, unit: tool_seconds}, price_usd: "1", valid_to: 2020-01-01, reason: over}
"""


def test_what_tools_cost_is_set_listed_and_booked_on_order(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sample calls `book_invoice` 250 times: at 0.02 USD each 5 USD beside the 25 of its model."""
    (tmp_path / "fees.yaml").write_text(FEES)
    assert asked(capsys, "prices", "ls", "--tools") == []
    assert run(spanledger, ["prices", "override", str(tmp_path / "fees.yaml")]) == 0
    (row,) = asked(capsys, "prices", "ls", "--tools")
    assert (row["tool"], row["unit"], row["price_usd"], row["per"], row["override_id"]) == (
        *("book_*", "tool_calls", "0.02", 1, "book"),
    )
    assert asked(capsys, "prices", "ls", "book_invoice", "--tools") == [row]
    assert asked(capsys, "prices", "ls", "other", "--tools") == []
    assert asked(capsys, "prices", "ls", "other", "--tools", "--at", "2019-12-31")[0]["override_id"] == "none"
    (shown,) = asked(capsys, "prices", "rerate", "--since", "2020-01-01", "--book", "current")
    assert (shown["tool"], shown["calls"], shown["before_usd"], shown["after_usd"]) == ("book_invoice", 250, None, "5")
    assert spent(capsys) == "30"
    query = "SELECT sum(fee_usd) AS usd FROM cost_by_tool WHERE tool_name = 'book_invoice'"
    assert asked(capsys, "sql", query) == [{"usd": "5"}]


def test_a_policy_about_stated_costs_is_chosen_listed_and_taken_back(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["config", "cost-source"]
    assert run(spanledger, [*words, "set", "cost_usd", "greatest", "--reason", "audit"]) == 2
    assert run(spanledger, [*words, "set", "cost_usd", "max"]) == 2
    assert run(spanledger, [*words, "set", "github.copilot.nano_aiu", "max", "--reason", "audit"]) == 1
    assert "no amount in USD" in capsys.readouterr().err
    assert run(spanledger, [*words, "set", "cost_usd", "max", "--reason", "audit", "--author", "jane"]) == 0
    assert "cost_usd state" in capsys.readouterr().err
    first = asked(capsys, *words, "ls")[0]
    assert [first[name] for name in ("source", "policy", "default_policy", "is_chosen", "reason", "author")] == [
        *("cost_usd", "max", "reported", True, "audit", "jane"),
    ]
    assert run(spanledger, [*words, "unset", "llm.cost.total", "--reason", "x"]) == 1
    assert "those chosen are cost_usd" in capsys.readouterr().err
    assert run(spanledger, [*words, "unset", "cost_usd", "--reason", "over"]) == 0
    assert not any(row["is_chosen"] for row in asked(capsys, *words, "ls"))

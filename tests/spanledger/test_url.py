"""Read commands say of a server what they say of its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from json import dumps, loads
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ledger.books.compile import compile_records
from ledger.books.format import encode
from spanledger.cli import spanledger
from spanledger.cli.exits import run
from spanledger.samples import sample_directory
from tests.service import healthy, service, until

SAMPLE = str(sample_directory() / "runaway_loop" / "runaway_loop.traces.binpb")
AT = ["--at", "2026-11-20T12:00:00Z"]
"""Some prices change within the day: the two answers that are compared are of one moment."""
RULES = """
overrides:
  - {id: half, match: {provider: openai}, multiply: "0.5", valid_from: 2026-12-01, reason: agreement 4711, author: jane}
  - {id: book, match: {tool: "book_*", unit: tool_calls}, price_usd: "0.02", reason: contract, author: jane}
  - {id: gone, match: {provider: acme}, multiply: "0.1", reason: a mistake, author: jane}
"""
LISTS = (
    ["prices", "ls", "--tools", *AT],
    ["prices", "ls", "book_invoice", "--tools", *AT],
    ["prices", "override"],
    ["periods", "ls"],
    ["config", "cost-source", "ls"],
)
BOOKS = (
    ["prices", "ls", *AT],
    ["prices", "ls", "gpt-4o", "--provider", "openai", "--book", "seed", *AT],
    ["prices", "show", "gpt-4o", "--provider", "openai", "--history"],
    ["prices", "show", "openai/gpt-4o", "--book", "installed", *AT],
    ["prices", "diff", "seed", "current"],
    ["prices", "diff", "FILE", "seed"],
    ["prices", "check"],
    ["prices", "check", "ID"],
)
SUMS = (["runs"], ["cost", "--by", "tool"], ["loops"], ["reconcile", "USAGE", "--dry-run"])
BILLED = {
    "object": "organization.usage.completions.result",
    "model": "gpt-4o-2024-08-06",
    "num_model_requests": 251,
    "input_tokens": 9_036_000,
    "output_tokens": 251_000,
}
"""Of the sample's day: a call more than its 250."""


@dataclass
class Served:
    """A ledger with a doubled price, rules and a closed month, and the server on it."""

    data: Path
    url: str
    words: dict[str, str]
    """What stands for a word of a command: files with the book that is current and with a provider's answer, and the
    beginning of the book's id."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("url")
    data, book, rules, usage = root / "data", root / "dear.parquet", root / "rules.yaml", root / "usage.json"
    book.write_bytes(doubled())
    rules.write_text(RULES)
    midnight_s = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp())
    bucket = {"object": "bucket", "start_time": midnight_s, "end_time": midnight_s + 86_400, "results": [BILLED]}
    usage.write_text(dumps({"object": "page", "data": [bucket], "has_more": False}))
    decided = (
        ["import", SAMPLE],
        ["prices", "import", str(book)],
        ["prices", "override", str(rules)],
        ["prices", "override", "--remove", "gone", "--reason", "never was"],
        ["periods", "close", "2020-01", "--author", "ann"],
        ["config", "cost-source", "set", "cost_usd", "max", "--reason", "audit", "--author", "jane"],
    )
    for words in decided:
        assert run(spanledger, [*words, "--data", str(data)]) == 0
    with service(root, data) as one:
        one.start()
        assert until(lambda: healthy(one.api), 30, "the API does not answer")
        book_id = sha256(book.read_bytes()).hexdigest()
        yield Served(data, f"http://{one.api}", {"FILE": str(book), "ID": book_id[:9], "USAGE": str(usage)})


def doubled() -> bytes:
    """The installed list with every price of OpenAI's gpt-4o doubled."""
    records = compile_records()
    for record in records:
        if (record["record"], record["provider"], record.get("model")) == ("price", "openai", "gpt-4o"):
            record["price_usd"] *= 2
    return encode(records, "test", "doubled")


def told(served: Served, words: list[str], capfd: pytest.CaptureFixture[str], *where: str) -> tuple[str, str]:
    """What the command writes to stdout and stderr, as rows for a program and as a table."""
    said = [served.words.get(word, word) for word in words]
    capfd.readouterr()
    for form in ("jsonl", "table"):
        assert run(spanledger, [*said, "--format", form, *where]) == 0
    found = capfd.readouterr()
    return found.out, found.err


@pytest.mark.slow
@pytest.mark.parametrize("words", [*LISTS, *BOOKS, *SUMS], ids=" ".join)
def test_a_server_is_told_of_as_its_files_are(
    words: list[str], served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    of_files = told(served, words, capfd, "--data", str(served.data))
    assert told(served, words, capfd, "--url", served.url) == of_files
    assert of_files[0]


@pytest.mark.slow
@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_columns_from_a_server_are_of_the_same_kinds(words: list[str], served: Served, tmp_path: Path) -> None:
    files = [tmp_path / "data.parquet", tmp_path / "url.parquet"]
    for file, where in zip(files, (["--data", str(served.data)], ["--url", served.url]), strict=True):
        assert run(spanledger, [*words, *where, "--format", "parquet", "-o", str(file)]) == 0
    of_files, of_server = map(pq.read_table, files)
    assert of_server.equals(of_files)
    assert of_files.num_rows


@pytest.mark.slow
def test_what_the_server_says_is_what_was_decided(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """The tool costs 0.02 USD a call; of openai's gpt-4o each price is doubled; a rule that ended is in no list."""

    def rows(*words: str) -> list[dict[str, object]]:
        return [loads(line) for line in told_once(served, words, capfd).splitlines()]

    assert [(row["tool"], row["price_usd"]) for row in rows("prices", "ls", "--tools", *AT)] == [("book_*", "0.02")]
    overrides = rows("prices", "override")
    assert [(row["override_id"], row["multiply"], row["valid_from"]) for row in overrides] == [
        ("half", "0.5", "2026-12-01T00:00:00Z"),
        ("book", None, None),
    ]
    changes = rows("prices", "diff", "seed", "current")
    assert {Decimal(str(row["after_usd"])) / Decimal(str(row["before_usd"])) for row in changes} == {Decimal(2)}
    assert [(row["month"], row["author"]) for row in rows("periods", "ls")] == [("2020-01", "ann")]
    assert rows("config", "cost-source", "ls")[0]["policy"] == "max"
    whole, model = rows("reconcile", served.words["USAGE"], "--dry-run")
    assert (model["model"], model["ledger_calls"], model["provider_requests"]) == ("gpt-4o", 250, 251)
    assert (whole["ledger_cost_usd"], whole["causes"]) == ("25", "1 call not in the ledger")


def told_once(served: Served, words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    assert run(spanledger, [*words, "--url", served.url]) == 0
    return capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("curent", "near are current"),
        ("abcdefabcdef", "published last"),
        ("../../secret", "nor is it a file"),
    ],
)
def test_a_book_that_the_server_does_not_have_ends_with_1_and_the_names_there_are(
    name: str, said: str, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(spanledger, ["prices", "check", name, "--url", served.url]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [*LISTS, *BOOKS[:1], ["prices", "show", "gpt-4o"], ["prices", "check"]], ids=" ".join)
def test_files_and_server_at_once_are_a_usage_error_and_a_server_that_is_away_another(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = ["--url", "http://127.0.0.1:1"]
    assert run(spanledger, [*words, "--data", str(tmp_path), *away]) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert run(spanledger, [*words, *away]) == 5
    assert "does not answer" in capsys.readouterr().err


def test_a_server_is_for_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = ["--url", "http://127.0.0.1:1"]
    (tmp_path / "rules.yaml").write_text(RULES)
    assert run(spanledger, ["prices", "override", str(tmp_path / "rules.yaml"), *away]) == 2
    assert "to set or end rules give --data DIR" in capsys.readouterr().err
    assert run(spanledger, ["prices", "override", "--remove", "half", *away]) == 2
    assert run(spanledger, ["reconcile", SAMPLE, *away]) == 2
    assert "give --dry-run, or --data DIR to record" in capsys.readouterr().err

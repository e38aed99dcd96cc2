"""The journal for beancount: what it says, and that beancount itself accepts it and finds any digit that is off.

`bean-check` runs as a program of its own. beancount is GPL-2.0: the tests run it, nothing of ours imports it.
"""

import datetime as dt
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ledger.paths import DataDir
from queries.connect import connect
from queries.export import beancount
from queries.export.window import Window, take
from tests.ledger.store import rows
from tests.queries.by_hand import Books
from tests.queries.export.booked import booked

BEAN_CHECK = Path(sys.executable).with_name("bean-check")
DAY_NS = 86_400 * 10**9
DECEMBER_NS = int(dt.datetime(2023, 12, 4, 9, tzinfo=dt.UTC).timestamp()) * 10**9
AMOUNT = re.compile(r"-?\d+\.\d{12}")


def journal(connection: duckdb.DuckDBPyConnection, tmp_path: Path, places: int | None = None) -> Path:
    take(connection, Window())
    file = tmp_path / "agents.beancount"
    with file.open("w", encoding="utf-8") as sink:
        beancount.write(connection, sink, places)
    return file


def checked(file: Path) -> str:
    """What bean-check finds wrong, nothing if it accepts the journal."""
    done = subprocess.run([BEAN_CHECK, "--no-cache", file], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (said == ""), said
    return said


@pytest.fixture
def samples(books: DataDir, tmp_path: Path) -> Path:
    with connect(books) as connection:
        return journal(connection, tmp_path)


def test_a_day_of_an_agent_and_model_is_one_transaction(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "0.5", "team": "red"}, {"cost": "0.25", "unit": "output_tokens", "team": "red"})
    booked(by_hand, 2, {"cost": "0.000000000001", "charged_ns": rows.NOON_NS + DAY_NS, "agent_name": 'a "b"\\\n'})
    with connect(by_hand.data) as connection:
        file = journal(connection, tmp_path)
    assert (
        file.read_text()
        == """\
option "title" "Cost of AI agents, by Spanledger"
option "operating_currency" "USD"
option "inferred_tolerance_default" "*:0"
1970-01-01 commodity USD
  precision: 12
2023-11-15 open Expenses:AI:Openai:Gpt-5 USD
2023-11-15 open Liabilities:AI:Openai USD

2023-11-15 * "openai" "gpt-5"
  tenant: "default"
  team: "red"
  environment: "prod"
  service: "shop"
  agent: "shop"
  Expenses:AI:Openai:Gpt-5  0.750000000000 USD
  Liabilities:AI:Openai  -0.750000000000 USD

2023-11-16 * "openai" "gpt-5"
  tenant: "default"
  environment: "prod"
  service: "shop"
  agent: "a \\"b\\"\\\\ "
  Expenses:AI:Openai:Gpt-5  0.000000000001 USD
  Liabilities:AI:Openai  -0.000000000001 USD

2023-11-16 balance Expenses:AI:Openai:Gpt-5  0.750000000000 ~ 0 USD
2023-11-17 balance Expenses:AI:Openai:Gpt-5  0.750000000001 ~ 0 USD
2023-11-16 balance Liabilities:AI:Openai  -0.750000000000 ~ 0 USD
2023-11-17 balance Liabilities:AI:Openai  -0.750000000001 ~ 0 USD
"""
    )
    assert checked(file) == ""


def test_beancount_accepts_the_samples_and_rejects_each_kind_of_amount_that_is_off_by_a_billionth(
    samples: Path,
) -> None:
    text = samples.read_text()
    assert checked(samples) == ""
    for line in ("  Expenses:", "  Liabilities:", " balance Expenses:", " balance Liabilities:"):
        at = AMOUNT.search(text, text.index(line))
        assert at is not None
        off = Decimal(at[0]) + Decimal("0.000000001")
        samples.write_text(text[: at.start()] + f"{off:f}" + text[at.end() :])
        assert checked(samples) != "", line


def test_a_transaction_that_is_missing_is_found(samples: Path) -> None:
    text = samples.read_text()
    first, second = [found.start() for found in re.finditer(r"^\n\d{4}-\d\d-\d\d \*", text, re.MULTILINE)][:2]
    samples.write_text(text[:first] + text[second:])
    assert "Balance failed" in checked(samples)


def test_the_samples_owe_what_was_charged(samples: Path) -> None:
    owed = re.findall(r"^2026-11-23 balance (Liabilities:\S+)  (\S+)", samples.read_text(), re.MULTILINE)
    assert dict(owed) == {"Liabilities:AI:Anthropic": "-0.102213000000", "Liabilities:AI:Openai": "-25.015593580000"}


def test_names_that_look_alike_stay_apart_and_what_has_no_name_too(by_hand: Books, tmp_path: Path) -> None:
    models = ["a.b", "a-b", "a_b", "A.b", "a.B", "unknown", None, "x" * 500, "x" * 501, "模型", "", "-"]
    booked(by_hand, 1, *({"cost": "1", "model": model} for model in models))
    booked(by_hand, 2, {"cost": "1", "model": None, "tool_name": "a.b", "provider": None})
    with connect(by_hand.data) as connection:
        file = journal(connection, tmp_path)
    opened = re.findall(r"open (Expenses:\S+)", file.read_text())
    assert len(set(opened)) == len(models) + 1
    assert "Expenses:Tools:0--unknown:A--2Eb" in opened
    assert checked(file) == ""


def test_rounding_is_of_what_is_owed_for_a_month_and_booked_apart(by_hand: Books, tmp_path: Path) -> None:
    """November: 1.005 and 0.25 make 1.255, a tie that goes to the even 1.26; December: 0.0149 to 0.01."""
    booked(by_hand, 1, {"cost": "1.005"})
    booked(by_hand, 2, {"cost": "0.25", "charged_ns": rows.NOON_NS + DAY_NS})
    booked(by_hand, 3, {"cost": "0.0149", "charged_ns": DECEMBER_NS})
    booked(by_hand, 4, {"cost": "2.5", "provider": "anthropic"})
    with connect(by_hand.data) as connection:
        file = journal(connection, tmp_path, places=2)
    text = file.read_text()
    assert re.findall(r"^(\S+) balance (Liabilities:\S+|Expenses:Rounding)  (\S+)", text, re.MULTILINE) == [
        ("2023-11-16", "Liabilities:AI:Anthropic", "-2.500000000000"),
        ("2023-11-16", "Liabilities:AI:Openai", "-1.005000000000"),
        ("2023-11-17", "Liabilities:AI:Openai", "-1.260000000000"),
        ("2023-12-05", "Liabilities:AI:Openai", "-1.270000000000"),
        ("2023-12-05", "Expenses:Rounding", "0.000100000000"),
    ]
    assert re.findall(r"^(\S+) \* (\S+) \"Rounded, (\S+)\"\n  \S+  (\S+)", text, re.MULTILINE) == [
        ("2023-11-16", '"openai"', "2023-11", "0.005000000000"),
        ("2023-12-04", '"openai"', "2023-12", "-0.004900000000"),
    ]
    assert checked(file) == ""


def test_what_counts_in_a_later_month_is_dated_there(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "1"}, {"cost": "-0.5", "accounting_ns": DECEMBER_NS})
    with connect(by_hand.data) as connection:
        file = journal(connection, tmp_path)
    assert re.findall(r"^(\S+) \*", file.read_text(), re.MULTILINE) == ["2023-11-15", "2023-12-04"]
    assert checked(file) == ""


def test_a_long_text_is_cut_and_its_account_is_not_shared(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "1", "agent_name": "n" * 1000})
    with connect(by_hand.data) as connection:
        file = journal(connection, tmp_path)
    assert f'  agent: "{"n" * 199}…"\n' in file.read_text()
    assert checked(file) == ""


def test_nothing_charged_is_a_journal_without_transactions(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": None})
    with connect(by_hand.data) as connection:
        file = journal(connection, tmp_path, places=2)
    assert not re.search(r"^\d{4}-\d\d-\d\d (\*|open|balance)", file.read_text(), re.MULTILINE)
    assert checked(file) == ""

"""`spanledger periods` in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from spanledger.cli import spanledger
from spanledger.cli.exits import run
from spanledger.samples import sample_directory


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPANLEDGER_DATA", str(tmp_path / "data"))
    sample = sample_directory() / "runaway_loop" / "runaway_loop.traces.binpb"
    assert run(spanledger, ["import", str(sample)]) == 0
    return tmp_path / "data"


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(spanledger, list(words)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_month_is_closed_once_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "periods", "ls") == []
    assert run(spanledger, ["periods", "close", "2020-01", "--author", "ann"]) == 0
    assert "event 4: 2020-01 and all before it are closed, with 0 USD booked up to its end" in capsys.readouterr().err
    (row,) = asked(capsys, "periods", "ls")
    assert (row["month"], row["reason"], row["author"]) == ("2020-01", "books closed", "ann")
    assert run(spanledger, ["periods", "close", "2019-12"]) == 1
    assert "2019-12 is closed already, as all months up to 2020-01 are" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("month", "told"), [("2199-12", "2199-12 has not ended: close it from 2200-01-01 on"), ("May", "'May' is no month")]
)
def test_what_is_no_month_or_has_not_ended_is_refused_before_anything_is_written(
    month: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(spanledger, ["periods", "close", month]) == 1
    assert told in capsys.readouterr().err
    assert asked(capsys, "sql", "FROM events WHERE kind = 'period.closed'") == []

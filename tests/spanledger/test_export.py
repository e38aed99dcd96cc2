"""`spanledger export` in this process: files that are whole or absent, and what is said beside them."""

import csv
import io
import os
import stat
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger.cli import spanledger
from spanledger.cli.aside import aside
from spanledger.cli.exits import run
from spanledger.samples import sample_directory

LOOP = "runaway_loop/runaway_loop.traces.binpb"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "data"
    monkeypatch.setenv("SPANLEDGER_DATA", str(root))
    assert run(spanledger, ["import", str(sample_directory() / LOOP)]) == 0
    return root


def billed(text: str) -> Decimal:
    return sum((Decimal(row["BilledCost"]) for row in csv.DictReader(io.StringIO(text))), Decimal(0))


def test_a_pipe_gets_csv_and_stderr_says_as_known_when(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(spanledger, ["export", "focus"]) == 0
    said = capsys.readouterr()
    assert billed(said.out) == 25
    assert said.err == "2 rows of 500 charges, as known at event 3\n"


def test_the_format_follows_the_name_of_the_file(data: Path, tmp_path: Path) -> None:
    for name, start in (("focus.csv", b"Avail"), ("focus.parquet", b"PAR1"), ("focus", b"PAR1")):
        assert run(spanledger, ["export", "focus", "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "focus", "focus.csv", "focus.parquet"]


def test_only_charges_from_then_and_before_then_are_taken(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for times, usd in ((["--from", "2026-11-16"], 25), (["--to", "2026-11-16"], 0), (["--from", "2026-11-17"], 0)):
        assert run(spanledger, ["export", "focus", *times]) == 0
        assert billed(capsys.readouterr().out) == usd


def test_beancount_goes_to_stdout_or_a_file(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(spanledger, ["export", "beancount", "--round", "2"]) == 0
    said = capsys.readouterr()
    assert "2026-11-17 balance Liabilities:AI:Openai  -25.000000000000 ~ 0 USD" in said.out
    assert said.err == "1 transactions of 500 charges, as known at event 3\n"
    assert run(spanledger, ["export", "beancount", "-o", str(tmp_path / "a.beancount"), "--round", "2"]) == 0
    assert (tmp_path / "a.beancount").read_text() == said.out


def test_nothing_to_export_is_said_and_is_no_failure(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(spanledger, ["export", "focus", "--to", "2001-01-01"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert "no charge counts in this time" in said.err


def test_what_has_no_known_cost_is_counted_and_can_be_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in sorted((sample_directory() / "litellm").glob("*.traces.binpb")):
        assert run(spanledger, ["import", str(file)]) == 0
    capsys.readouterr()
    assert run(spanledger, ["export", "beancount"]) == 0
    said = capsys.readouterr().err
    count, query = int(said.splitlines()[1].split()[0]), said.split('spanledger sql "')[1].rstrip('"\n')
    assert run(spanledger, ["sql", query]) == 0
    assert len(capsys.readouterr().out.splitlines()) == count > 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["focus", "--format", "parquet"], 2, "give -o FILE"),
        (["focus", "--from", "soon"], 1, "--from 'soon': give a span"),
        (["focus", "--from", "2026-11-17", "--to", "2026-11-16"], 1, "--from that is earlier than --to"),
        (["focus", "--as-of", "77"], 1, "event 77 is not posted yet; the last one is 3"),
        (["focus", "-o", "nowhere/focus.csv"], 1, "no such directory to write to"),
        (["beancount", "--round", "12"], 2, "0<=x<=11"),
        (["beancount", "--data", "nowhere"], 1, "no ledger at"),
    ],
)
def test_bad_input_is_told_what_to_do(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    capsys.readouterr()
    assert run(spanledger, ["export", *words]) == code
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("before")
    with suppress(ZeroDivisionError), aside(target) as file:
        file.write_text("half")
        assert target.read_text() == "before"
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "before"
    with aside(target) as file:
        file.write_text("after")
    assert target.read_text() == "after"


def test_a_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with aside(tmp_path / "link") as file:
        file.write_text("all")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out").read_text() == "all"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with aside(pipe) as file:
            file.write_text("all")
        assert os.read(reader, 100) == b"all"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)

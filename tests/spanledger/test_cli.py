"""The command line in this process: help, exit codes, and the read commands over a ledger made by `import`."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spanledger.cli import COMMANDS, spanledger
from spanledger.cli.exits import run
from spanledger.samples import sample_directory

PROGRAM = Path(sys.executable).with_name("spanledger")
HELP_S = 0.2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with the runaway loop in it, made without a server."""
    root = tmp_path_factory.mktemp("cli") / "data"
    files = [str(path) for path in sample_directory().glob("runaway_loop/*.binpb")]
    assert run(spanledger, ["import", "--data", str(root), *files]) == 0
    return root


@pytest.mark.alone
def test_help_is_quick() -> None:
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([PROGRAM, "--help"], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    assert min(taken) < HELP_S


def test_the_line_in_the_list_is_there_for_every_command_and_each_can_be_loaded() -> None:
    for name, (_, line) in COMMANDS.items():
        command = spanledger.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == name
        assert line.endswith(".")


def test_a_missing_data_directory_is_named_with_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing"
    for command in (["runs"], ["cost"], ["sql", "SELECT 1"], ["replay", "abcdef"], ["rebuild"]):
        assert run(spanledger, [*command, "--data", str(missing)]) == 1
        words = capsys.readouterr().err
        assert str(missing) in words
        assert "spanledger serve --data" in words
    assert not missing.exists()


def test_an_empty_data_directory_says_how_to_fill_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["runs", "--data", str(tmp_path)]) == 1
    assert "spanledger import" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["nonsense"], 2),
        (["runs", "--limit", "0"], 2),
        (["runs", "--format", "xml"], 2),
        (["runs", "--data", ".", "--url", "http://127.0.0.1:1"], 2),
        (["runs", "--url", "ftp://127.0.0.1:1"], 2),
        (["runs", "--url", "http://127.0.0.1:1"], 5),
        (["import", "nothing-here.traces.pb"], 2),
        (["config", "check", "--config", "nothing-here.yaml"], 1),
        (["--version"], 0),
    ],
)
def test_exit_codes_are_those_documented(args: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, args) == code
    assert "Traceback" not in capsys.readouterr().err


def test_the_loop_is_listed_replayed_and_summed(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    where = ["--data", str(data)]
    assert run(spanledger, ["runs", *where]) == 0
    (only,) = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert (only["agent_name"], only["cost_usd"]) == ("invoice_clerk", "25")
    assert run(spanledger, ["replay", only["run_id"][:6], *where]) == 0
    steps = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [steps[n]["cost_so_far_usd"] for n in (1, 3, -1)] == ["0.1", "0.2", "25"]
    assert run(spanledger, ["cost", "--by", "tool", "--format", "table", *where]) == 0
    assert b"book_invoice" in capfdbinary.readouterr().out


def test_loops_are_listed_the_dearest_first_and_none_is_said_in_words(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    where = ["--data", str(data)]
    assert run(spanledger, ["loops", *where]) == 0
    model, tool = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert (model["kind"], model["repeats"], model["cost_since_usd"]) == ("model", 249, "24.8")
    assert (tool["tool_name"], tool["repeats"], tool["errors"], tool["cost_usd"]) == ("book_invoice", 250, 250, None)
    assert run(spanledger, ["loops", "--least", "250", "--format", "table", *where]) == 0
    shown = capfdbinary.readouterr().out
    assert b"book_invoice" in shown
    assert b"gpt-4o" not in shown
    assert run(spanledger, ["loops", "--least", "251", "--format", "table", *where]) == 0
    out, err = capfdbinary.readouterr()
    assert (out, b"no run made the same call 251 times" in err) == (b"", True)


def test_sql_answers_and_says_what_is_wrong_with_a_question(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    where = ["--data", str(data)]
    assert run(spanledger, ["sql", "SELECT sum(cost_usd) AS usd, count(*) AS n FROM charges", *where]) == 0
    assert json.loads(capfdbinary.readouterr().out) == {"usd": "25", "n": 500}
    assert run(spanledger, ["sql", "SELECT nothing FROM spans", *where]) == 1
    words = capfdbinary.readouterr().err
    assert b"nothing" in words
    assert b"Traceback" not in words


def test_a_reader_that_has_enough_is_no_failure(data: Path) -> None:
    command = [PROGRAM, "sql", "FROM range(1000000)", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_rebuild_gives_the_same_digests(data: Path, tmp_path: Path) -> None:
    from ledger.paths import DataDir
    from ledger.store.digest import digests

    copy = tmp_path / "copy"
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*.sock"))
    before = digests(DataDir(copy))
    assert run(spanledger, ["rebuild", "--data", str(copy)]) == 0
    assert digests(DataDir(copy)) == before


def test_config_show_names_the_origin_of_each_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("SPANLEDGER_API__QUERY_S", "7")
    assert run(spanledger, ["config", "show", "--data", str(tmp_path)]) == 0
    rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    shown = {row["key"]: (row["value"], row["origin"]) for row in rows}
    assert shown["api.query_s"] == ("7.0", "environment")
    assert shown["api.wait_s"] == ("5.0", "default")
    assert os.environ["SPANLEDGER_API__QUERY_S"] == "7"

"""What commands print: formats, exactness, and text that must not steer a terminal."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spanledger.cli import table
from spanledger.cli.output import emit, table_text

ROWS = pa.table(
    {
        "name": ["plain", "=SUM(A1)", "\x1b[31mred\u202e", "日本語"],
        "calls": [1, 2_000_000, None, 4],
        "cost_usd": pa.array([Decimal("0.000000000001"), Decimal("1.5"), None, Decimal("-2")], pa.decimal128(38, 12)),
        "attributes": pa.array([[("k", "v")], [], None, [("a", "b")]], pa.map_(pa.string(), pa.string())),
    }
)


def written(tmp_path: Path, form: str) -> bytes:
    target = tmp_path / "out"
    emit(ROWS, form, target)
    return target.read_bytes()


def test_json_is_one_array_with_exact_decimals_as_strings(tmp_path: Path) -> None:
    rows = json.loads(written(tmp_path, "json"))
    assert [row["cost_usd"] for row in rows] == ["0.000000000001", "1.5", None, "-2"]
    assert [row["calls"] for row in rows] == [1, 2_000_000, None, 4]
    assert rows[0]["attributes"] == {"k": "v"}


def test_jsonl_is_one_object_a_line_and_its_bytes_hold_no_control_character(tmp_path: Path) -> None:
    text = written(tmp_path, "jsonl")
    assert [json.loads(line)["name"] for line in text.splitlines()] == ROWS["name"].to_pylist()
    assert b"\x1b" not in text
    assert "\u202e" not in text.decode()


def test_an_empty_answer_is_an_empty_array(tmp_path: Path) -> None:
    emit(ROWS.slice(0, 0), "json", tmp_path / "out")
    assert json.loads((tmp_path / "out").read_bytes()) == []


def test_csv_keeps_values_and_disarms_formulas(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written(tmp_path, "csv").decode())))
    assert rows[1]["name"] == "'=SUM(A1)"
    assert rows[3]["cost_usd"] == "-2"
    assert rows[2]["calls"] == ""


def test_arrow_and_parquet_hold_the_very_rows(tmp_path: Path) -> None:
    assert pa.ipc.open_stream(written(tmp_path, "arrow")).read_all().equals(ROWS)
    assert pq.read_table(io.BytesIO(written(tmp_path, "parquet"))).to_pylist() == ROWS.to_pylist()


def test_a_table_shows_dollars_dashes_and_no_escapes() -> None:
    text = table_text(ROWS)
    assert "<$0.000001" in text
    assert "$1.500000" in text
    assert "-$2.000000" in text
    assert "\x1b" not in text
    assert "\\u001b[31mred\\u202e" in text


def test_columns_line_up_with_wide_characters() -> None:
    lines = table.lines(["a", "n"], [["日本", "1"], ["abcd", "22"]], [False, True])
    assert lines == ["a      n", "----  --", "日本   1", "abcd  22"]


def test_a_long_cell_is_cut_with_an_ellipsis() -> None:
    line = table.lines(["a"], [["x" * 500]], [False])[2]
    assert len(line) == 60
    assert line.endswith("…")


def test_binary_on_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(Exception, match="binary"):
        emit(ROWS, "arrow")

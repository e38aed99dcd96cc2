"""OTLP files: recognised by name, cut between resources, never changed."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Refused
from spanledger.otlp_files import cut, pieces, recognise


def field(body: bytes) -> bytes:
    """Field 1 with `body`, as every OTLP request holds its resources."""
    length, prefix = len(body), b"\x0a"
    while length > 0x7F:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return prefix + bytes([length]) + body


@given(st.lists(st.binary(max_size=300), max_size=30), st.integers(1, 1_000))
def test_pieces_are_the_very_bytes_cut_between_resources(bodies: list[bytes], bytes_max: int) -> None:
    resources = [field(body) for body in bodies]
    parts = list(cut(b"".join(resources), bytes_max, "a file"))
    assert b"".join(parts) == b"".join(resources)
    for part in parts:
        assert len(part) <= bytes_max or part in resources


def test_as_few_pieces_as_the_limit_permits() -> None:
    resources = [field(b"x" * 98)] * 10  # 100 bytes each
    assert [len(part) for part in cut(b"".join(resources), 300, "a file")] == [300, 300, 300, 100]


@given(st.binary(max_size=200))
def test_any_bytes_are_cut_or_refused(body: bytes) -> None:
    with suppress(Refused):
        assert b"".join(cut(body, 10, "a file")) == body


def test_a_file_that_is_cut_short_says_where() -> None:
    with pytest.raises(Refused, match="runs to byte 102, the file ends at 52"):
        list(cut(field(b"x" * 100)[:52], 10, "a file"))


@pytest.mark.parametrize(
    ("name", "signal", "encoding"),
    [
        ("a.traces.binpb", "traces", "protobuf"),
        ("a.logs.pb", "logs", "protobuf"),
        ("A.METRICS.JSON", "metrics", "json"),
        ("logs.of.traces.jsonl", "traces", "jsonl"),
    ],
)
def test_the_name_tells_signal_and_encoding(name: str, signal: str, encoding: str) -> None:
    file = recognise(Path(name))
    assert (file.signal, file.encoding) == (signal, encoding)


def test_an_option_overrides_the_name() -> None:
    assert recognise(Path("a.traces.pb"), "logs").signal == "logs"
    assert recognise(Path("a.pb"), "logs").signal == "logs"


@pytest.mark.parametrize(("name", "words"), [("a.traces.txt", "'.txt'"), ("a.pb", "--signal"), ("a", "''")])
def test_a_name_that_says_nothing_is_refused(name: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        recognise(Path(name))


def test_json_lines_are_one_request_each_and_a_bad_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.traces.jsonl"
    path.write_text('{"resourceSpans": [{}]}\n\n{"resourceSpans": [{}]}\n')
    assert len(list(pieces(recognise(path)))) == 2
    path.write_text('{"resourceSpans": []}\n{oops\n')
    with pytest.raises(Refused, match="document 2"):
        list(pieces(recognise(path)))
    path.write_text('{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": "CLIENT"}]}]}]}\n')
    with pytest.raises(Refused, match=r"document 1: .*spans\[0\]\.kind"):
        list(pieces(recognise(path)))

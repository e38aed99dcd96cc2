"""The machine's own disk behind the seam."""

import os
from pathlib import Path

import pytest

from ledger.journal.disk import PARTS_MAX, POSIX


def test_more_parts_than_one_call_takes_are_all_written_in_order(tmp_path: Path) -> None:
    parts = [bytes([n % 251]) * (n % 5) for n in range(3 * PARTS_MAX + 7)]
    file = POSIX.open_append(tmp_path / "f")
    file.write(parts)
    file.write([b"end"])
    file.sync()
    assert file.size == sum(map(len, parts)) + 3
    file.close()
    assert (tmp_path / "f").read_bytes() == b"".join(parts) + b"end"


def test_a_write_that_the_kernel_takes_in_pieces_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwritev

    def seven_bytes(fd: int, parts: list[bytes], offset: int) -> int:
        return whole(fd, [b"".join(parts)[:7]], offset)

    monkeypatch.setattr(os, "pwritev", seven_bytes)
    file = POSIX.open_append(tmp_path / "f")
    file.write([b"", b"abc", b"", b"defghijklmnop", b"q" * 30, b""])
    file.close()
    assert (tmp_path / "f").read_bytes() == b"abcdefghijklmnop" + b"q" * 30


def test_a_file_goes_on_at_its_end_and_is_overwritten_in_place(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    file = POSIX.open_append(tmp_path / "f")
    file.write_at(2, b"xx")
    file.write([b"!"])
    file.truncate(9)
    file.write([b"?"])
    file.close()
    assert (tmp_path / "f").read_bytes() == b"01xx45678?"


def test_replacing_a_file_leaves_nothing_aside(tmp_path: Path) -> None:
    POSIX.write_atomic(tmp_path / "f", b"old")
    POSIX.write_atomic(tmp_path / "f", b"new")
    assert POSIX.list(tmp_path) == ["f"]
    assert POSIX.read(tmp_path / "f", 1, 100) == b"ew"
    assert POSIX.free_bytes(tmp_path) > 0


def test_a_missing_directory_lists_as_empty(tmp_path: Path) -> None:
    assert POSIX.list(tmp_path / "none") == []

"""The durable mark: one of its two slots is whole at any moment."""

from pathlib import Path

import pytest

from ledger.errors import Incompatible
from ledger.journal import mark
from ledger.journal.disk import POSIX
from ledger.journal.mark import SLOT_BYTES, SLOTS, Mark, MarkFile, read_mark


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "durable"


def test_the_last_published_mark_is_read(path: Path) -> None:
    file = MarkFile(POSIX, path)
    for n in range(5):
        file.publish(Mark(1, 100 * n, n))
        assert read_mark(POSIX, path) == Mark(1, 100 * n, n)
    file.close(Mark(2, 900, 8))
    assert read_mark(POSIX, path) == Mark(2, 900, 8, clean=True)


def test_a_reopened_mark_goes_on_counting(path: Path) -> None:
    for n in range(4):
        file = MarkFile(POSIX, path)
        file.publish(Mark(1, n, n))
        file.close(None)
        assert read_mark(POSIX, path) == Mark(1, n, n)


def test_a_publication_torn_anywhere_leaves_the_one_before(path: Path) -> None:
    file = MarkFile(POSIX, path)
    file.publish(Mark(1, 100, 5))
    before = path.read_bytes()
    file.publish(Mark(1, 200, 6))
    after = path.read_bytes()
    assert len(after) == SLOTS * SLOT_BYTES
    for torn in range(len(after)):
        path.write_bytes(after[:torn] + before[torn:])
        assert read_mark(POSIX, path) in (Mark(1, 100, 5), Mark(1, 200, 6))
    file.close(None)


def test_without_a_whole_slot_there_is_no_mark(path: Path) -> None:
    assert read_mark(POSIX, path) is None
    path.write_bytes(b"")
    assert read_mark(POSIX, path) is None
    path.write_bytes(bytes(SLOTS * SLOT_BYTES))
    assert read_mark(POSIX, path) is None


def test_a_mark_of_a_newer_format_is_incompatible(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(mark, "VERSION", 2)
        path.write_bytes(mark.encode_slot(Mark(1, 2, 3), 1))
    with pytest.raises(Incompatible, match="durable mark of format 2"):
        read_mark(POSIX, path)

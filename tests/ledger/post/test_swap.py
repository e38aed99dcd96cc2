"""A rebuilt ledger takes the place of the one in use, whole, whatever ends the exchange."""

from pathlib import Path

import pytest

from ledger.journal.disk import PosixDisk
from ledger.paths import DataDir
from ledger.post import swap
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import call, decode, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, journal, post


class Stopped(Exception):
    """The machine stops here."""


class StoppingDisk(PosixDisk):
    """Ends before its nth operation on a whole directory."""

    def __init__(self, operations: int) -> None:
        self._left = operations

    def _operation(self) -> None:
        if self._left == 0:
            raise Stopped
        self._left -= 1

    def rename(self, source: Path, target: Path) -> None:
        if source.is_dir():
            self._operation()
        super().rename(source, target)

    def remove_tree(self, directory: Path) -> None:
        self._operation()
        super().remove_tree(directory)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path / "data")
    journal(data, request(call(1, 1)), request(call(2, 1), call(2, 2)))
    post(data)
    return data


@pytest.mark.parametrize("operations", range(6))
def test_a_rebuild_that_is_stopped_anywhere_leaves_a_ledger_and_nothing_beside_it(
    data: DataDir, operations: int
) -> None:
    """Six operations: three removals of what may have been left, two renames, the removal of the old one."""
    before = digests(data)
    with pytest.raises(Stopped):
        rebuild(data, decode, same_span, clock=SystemClock(), disk=StoppingDisk(operations))
    post(data)
    assert digests(data) == before
    assert sorted(path.name for path in data.root.iterdir()) == ["journal", "ledger", "run"]


def test_a_ledger_that_lacks_its_name_is_the_rebuilt_one_and_not_posted_anew(data: DataDir) -> None:
    with pytest.raises(Stopped):
        rebuild(data, decode, same_span, clock=SystemClock(), disk=StoppingDisk(4))
    assert not data.ledger.exists()
    made = swap.rebuilt(data).catalog.stat().st_ino
    post(data)
    assert data.catalog.stat().st_ino == made
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(3 * CALL_USD,)]


def test_posting_goes_on_in_the_process_that_rebuilt(data: DataDir) -> None:
    """Its files have the names of others that this process has read."""
    journal(data, request(call(1, 1), call(1, 3)))
    post(data, batch_events_max=1, open_spans_max=1)
    rebuild(data, decode, same_span, clock=SystemClock())
    journal(data, request(call(2, 1), call(1, 3), call(2, 3)))
    post(data)
    assert ask(data, "SELECT count(*) FROM spans") == [(5,)]
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(5 * CALL_USD,)]

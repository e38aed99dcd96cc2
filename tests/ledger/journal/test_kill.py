"""kill -9 of a real process that appends: what it was told was durable is there afterwards."""

from pathlib import Path

import pytest

from ledger.journal.disk import POSIX
from ledger.paths import DataDir
from tests.ledger.journal.appender import acks, lost, start
from tests.ledger.journal.history import read_all

pytestmark = [pytest.mark.durability, pytest.mark.slow]

ROUNDS = 5
ACKS = 60


def test_events_acked_before_kill_minus_9_are_there(tmp_path: Path) -> None:
    data, acked = DataDir(tmp_path), dict[int, bytes]()
    for round_number in range(ROUNDS):
        acked |= _append_until_killed(tmp_path, f"round{round_number}")
    assert len(acked) >= ROUNDS * ACKS
    assert lost(data, acked) == []
    assert [event.kind for event in read_all(POSIX, data)].count("restart") == ROUNDS


def _append_until_killed(root: Path, word: str) -> dict[int, bytes]:
    with start(root, word) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(ACKS)]
        finally:
            process.kill()
        return acks(lines + process.stdout.readlines())

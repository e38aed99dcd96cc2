"""A journal of each released format opens for ever, for reading and for writing."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from ledger.journal.append import JournalWriter
from ledger.journal.file import file_path
from ledger.journal.frame import Draft
from ledger.journal.sealed import is_sealed
from ledger.paths import DataDir
from tests.frozen.journal import FixedClock, FixedRng, describe, events, write

FROZEN = Path(__file__).parents[2] / "frozen"
FORMATS = sorted(FROZEN.glob("journal_*"))


@pytest.fixture(params=FORMATS, ids=lambda path: path.name)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> DataDir:
    return DataDir(Path(shutil.copytree(request.param, tmp_path / "data")))


def test_there_is_a_frozen_journal() -> None:
    assert [path.name for path in FORMATS] == ["journal_1"]


def test_every_event_of_a_frozen_journal_is_read_as_it_was_written(data: DataDir) -> None:
    found = events(data)
    assert [describe(event) for event in found] == json.loads((data.root / "events.json").read_text())
    assert [hashlib.sha256(event.body).digest() for event in found] == [event.raw_sha256 for event in found]
    assert is_sealed(file_path(data.journal, 1).read_bytes())


def test_a_frozen_journal_is_appended_to(data: DataDir) -> None:
    before = events(data)
    with JournalWriter.open(data, clock=FixedClock(), rng=FixedRng()) as writer:
        assert writer.append(Draft("otlp.traces", b"today")) == len(before)
    assert events(data)[:-1] == before


def test_todays_writer_writes_the_last_frozen_format_byte_for_byte(tmp_path: Path) -> None:
    today = DataDir(tmp_path)
    write(today)
    last = DataDir(FORMATS[-1])
    numbers = [n for n in (1, 2, 3) if file_path(last.journal, n).exists()]
    for number in numbers[1:]:  # the first one is kept sealed
        assert file_path(today.journal, number).read_bytes() == file_path(last.journal, number).read_bytes()
    assert today.durable_mark.read_bytes() == last.durable_mark.read_bytes()

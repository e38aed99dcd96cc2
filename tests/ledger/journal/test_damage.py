"""Every byte of a journal flipped and every file cut at every length: found when it is read, and its neighbours are not
harmed. What tests/ledger/journal/test_recover.py does for a writer's start, for a reader and for all files."""

from pathlib import Path

import pytest

from ledger.errors import Corrupt, Incompatible, LedgerError
from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX
from ledger.journal.file import file_path
from ledger.journal.frame import Draft, Event
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.journal.seal import seal_file
from ledger.paths import DataDir
from tests.ledger.damages import damages
from tests.ledger.journal.history import SimClock, SimRng, read_all

pytestmark = [pytest.mark.durability, pytest.mark.timeout(240)]

FILES = 3
"""The first is sealed, the second closed, the third is the one being written."""


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path)
    options = JournalOptions(file_bytes_max=900, seal=False, software="test")
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=options) as writer:
        while writer.stats().file_number < FILES or writer.stats().file_bytes < 600:
            writer.append(Draft("otlp.traces", b"body of some bytes " * 3))
    seal_file(POSIX, data.journal, 1, level=3)
    file_path(data.journal, 1).chmod(0o600)
    return data


@pytest.mark.parametrize("number", range(1, FILES + 1))
def test_every_damage_of_a_file_is_found_by_a_reader(number: int, data: DataDir) -> None:
    path, expected = file_path(data.journal, number), read_all(POSIX, data)
    served = []
    for what in damages(path):
        try:
            events = read_all(POSIX, data)
        except (Corrupt, Incompatible):
            continue
        assert events == expected[: len(events)], f"{path.name}, {what}: other events are served"
        served.append((what, len(events)))
    assert read_all(POSIX, data) == expected
    # The end of the last file is where the mark says. Cut there, it is read as far as its frames prove.
    assert all(number == FILES and what.startswith("cut") for what, _ in served), served
    assert all(count < len(expected) for _, count in served)


def test_events_of_other_files_are_read_beside_a_damaged_one(data: DataDir) -> None:
    expected = read_all(POSIX, data)
    path = file_path(data.journal, 2)
    content = path.read_bytes()
    path.write_bytes(content[:-20] + bytes(20))
    with JournalReader(data) as reader:
        found = {seq: event_or_error(reader, seq) for seq in range(len(expected))}
    for event in expected:
        got = found[event.event_seq]
        assert got == event or (event.file_number == 2 and isinstance(got, Corrupt)), event.event_seq
    assert [seq for seq, got in found.items() if isinstance(got, Corrupt)] == [
        max(event.event_seq for event in expected if event.file_number == 2)
    ]


def event_or_error(reader: JournalReader, seq: int) -> Event | LedgerError:
    try:
        return reader.get(seq)
    except LedgerError as error:
        return error

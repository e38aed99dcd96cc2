"""Readers see every durable event in order, sealed or not, and nothing past the durable mark."""

import random
import shutil
from pathlib import Path

import pytest

from ledger.errors import Corrupt, NotFound
from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX
from ledger.journal.file import file_path
from ledger.journal.frame import Draft
from ledger.journal.mark import Mark, MarkFile
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.journal.seal import seal_file
from ledger.paths import DataDir
from tests.ledger.journal.history import SimClock, SimRng, read_all

OPTIONS = JournalOptions(file_bytes_max=40_000, seal=False)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A journal of five files and 201 events."""
    chance, data = random.Random(5), DataDir(tmp_path / "data")
    with open_writer(data) as writer:
        for n in range(200):
            writer.submit(Draft("otlp.traces", chance.randbytes(chance.randrange(1_800)), key=f"key {n}"))
            if n % 10 == 9:
                writer.append(Draft("otlp.logs", f"log {n}".encode()))
    return data


def open_writer(data: DataDir) -> JournalWriter:
    return JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=OPTIONS)


def seal_all(data: DataDir) -> int:
    numbers = [int(name[:10]) for name in POSIX.list(data.journal)][:-1]
    for number in numbers:
        seal_file(POSIX, data.journal, number, level=3)
    return len(numbers)


def test_sealed_files_give_the_same_events_in_sequence_and_by_number(data: DataDir) -> None:
    before = read_all(POSIX, data)
    assert seal_all(data) >= 4
    assert read_all(POSIX, data) == before
    with JournalReader(data) as reader:
        for event in random.Random(1).sample(before, len(before)):
            assert reader.get(event.event_seq) == event


def test_a_reader_that_had_the_file_open_goes_on_while_it_is_sealed(data: DataDir) -> None:
    with JournalReader(data) as reader:
        events = reader.read(-1, events_max=10, bytes_max=1 << 20)
        seal_all(data)
        while batch := reader.read(events[-1].event_seq, events_max=10, bytes_max=1 << 20):
            events += batch
    assert events == read_all(POSIX, data)


@pytest.mark.parametrize("after", [-1, 0, 17, 100, 199])
def test_reading_starts_after_any_event(data: DataDir, after: int) -> None:
    with JournalReader(data) as reader:
        batch = reader.read(after, events_max=3, bytes_max=1 << 20)
    assert [event.event_seq for event in batch] == [after + 1, after + 2, after + 3]


def test_a_batch_keeps_both_bounds_but_holds_at_least_one_event(data: DataDir) -> None:
    with JournalReader(data) as reader:
        assert len(reader.read(-1, events_max=7, bytes_max=1 << 20)) == 7
        assert len(reader.read(20, events_max=7, bytes_max=1)) == 1
        batch = reader.read(20, events_max=1_000, bytes_max=9_000)
        assert 7_000 < sum(event.frame_bytes for event in batch) <= 9_000


def test_an_event_that_is_not_there_is_not_found(data: DataDir) -> None:
    with JournalReader(data) as reader:
        last = reader.durable_seq()
        assert reader.get(last).event_seq == last
        for event_seq in (-1, last + 1, 2**48):
            with pytest.raises(NotFound, match=f"event {event_seq} is not in the journal"):
                reader.get(event_seq)


def test_a_reader_stops_at_the_mark(data: DataDir) -> None:
    events = read_all(POSIX, data)
    middle = events[120]
    mark = MarkFile(POSIX, data.durable_mark)
    mark.publish(Mark(middle.file_number, middle.offset, 119))
    mark.close(None)
    with JournalReader(data) as reader:
        assert reader.durable_seq() == 119
        assert [event.event_seq for event in reader.read(110, events_max=99, bytes_max=1 << 20)] == list(
            range(111, 120)
        )
        with pytest.raises(NotFound):
            reader.get(120)


def test_a_reader_follows_a_writer(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with JournalReader(data) as reader:
        assert reader.durable_seq() == -1
        assert reader.read(-1, events_max=9, bytes_max=9) == []
        with open_writer(data) as writer:
            for n in range(1, 80):
                assert writer.append(Draft("otlp.traces", bytes(1_000))) == n
                assert reader.durable_seq() == n
                assert reader.read(n - 1, events_max=9, bytes_max=1 << 20)[-1].event_seq == n
            assert writer.stats().file_number > 1


def test_a_journal_copied_without_its_mark_is_read_up_to_what_its_frames_prove(data: DataDir) -> None:
    events = read_all(POSIX, data)
    shutil.rmtree(data.run)
    with JournalReader(data) as reader:
        found = reader.durable_seq()
        assert events[-12].event_seq <= found < events[-1].event_seq
        assert reader.read(found - 1, events_max=99, bytes_max=1 << 20) == [events[found]]
    open_writer(data).close()
    assert read_all(POSIX, data)[: len(events)] == events


def test_a_copy_made_while_the_writer_ran_is_read_up_to_what_its_frames_prove(data: DataDir) -> None:
    last = max(data.journal.iterdir())
    last.write_bytes(last.read_bytes()[:-1])
    with JournalReader(data) as reader:
        assert reader.read(reader.durable_seq() - 1, events_max=9, bytes_max=1 << 20)


def test_a_damaged_frame_is_named_when_it_is_read(data: DataDir) -> None:
    event = read_all(POSIX, data)[30]
    path = file_path(data.journal, event.file_number)
    content = bytearray(path.read_bytes())
    content[event.offset + 140] ^= 1
    path.write_bytes(content)
    with (
        JournalReader(data) as reader,
        pytest.raises(Corrupt, match=rf"{path.name}: bad frame at offset {event.offset}"),
    ):
        reader.read(-1, events_max=99, bytes_max=1 << 20)


def test_a_missing_file_is_named(data: DataDir) -> None:
    file_path(data.journal, 2).unlink()
    with JournalReader(data) as reader, pytest.raises(Corrupt, match=r"0000000002.journal is missing"):
        reader.get(100)


def test_a_file_that_belongs_to_another_journal_is_named(data: DataDir, tmp_path: Path) -> None:
    other = DataDir(tmp_path / "other")
    JournalWriter.open(other, clock=SimClock(9), rng=SimRng(9), options=OPTIONS).close()
    frames = file_path(other.journal, 1).read_bytes()[96:]
    path = file_path(data.journal, 1)
    path.write_bytes(path.read_bytes()[:96] + frames)
    with JournalReader(data) as reader, pytest.raises(Corrupt, match="the frame belongs to file"):
        reader.get(0)

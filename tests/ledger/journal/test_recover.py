"""What a start makes of the last file: damage below the floor stops it, a torn end is cut and reported."""

import hashlib
import json
from pathlib import Path

import pytest

from ledger.errors import Corrupt, Incompatible, Refused
from ledger.journal import file as journal_file
from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX
from ledger.journal.file import HEADER_BYTES, file_path
from ledger.journal.frame import Draft, Event
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from tests.ledger.journal.history import DATA, OPTIONS, SEED, SimClock, SimRng, read_all, submit_together
from tests.ledger.journal.history import open_writer as open_sim_writer
from tests.ledger.journal.simdisk import Inode, SimDisk

DRAFTS = [Draft("otlp.traces", f"body {n} ".encode() * 20) for n in range(6)]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def open_writer(data: DataDir, options: JournalOptions = OPTIONS) -> JournalWriter:
    return JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=options, seed=SEED)


def all_events(data: DataDir) -> list[Event]:
    return read_all(POSIX, data)


def written(data: DataDir, *groups: int) -> bytes:
    """The bytes of a journal with groups of these sizes, closed in order."""
    with open_writer(data) as writer:
        rest = iter(DRAFTS)
        for size in groups:
            for future in submit_together(writer, [next(rest) for _ in range(size)]):
                future.result(5)
    return file_path(data.journal, 1).read_bytes()


def put(data: DataDir, content: bytes) -> None:
    file_path(data.journal, 1).write_bytes(content)


def ends(data: DataDir) -> list[int]:
    return [event.offset + event.frame_bytes for event in all_events(data)]


def test_a_closed_journal_opens_without_a_restart_event(data: DataDir) -> None:
    content = written(data, 2, 1)
    open_writer(data).close()
    assert file_path(data.journal, 1).read_bytes() == content
    assert [event.kind for event in all_events(data)] == ["genesis", "price_book.published", *["otlp.traces"] * 3]


def test_genesis_names_shard_format_and_software(data: DataDir) -> None:
    written(data)
    assert all_events(data)[0].body == b'{"format":1,"shard":0,"software":"test"}'


def test_a_torn_tail_is_cut_and_reported_at_every_length(data: DataDir) -> None:
    """The last group may be lost in any part; what is whole of it stays."""
    content = written(data, 2, 2)
    mark, places = data.durable_mark.read_bytes(), ends(data)
    for length in range(places[3], len(content)):
        disk = disk_with({file_path(DATA.journal, 1): content[:length], DATA.durable_mark: mark})
        open_sim_writer(disk).close()
        events = read_all(disk)
        kept = sum(end <= length for end in places)
        assert [event.event_seq for event in events] == list(range(kept + 1)), length
        assert events[-1].kind == "restart"
        whole, report = places[kept - 1], json.loads(events[-1].body)
        assert (report["offset"], report["cut_bytes"]) == (whole, length - whole)
        assert report["cut_sha256"] == hashlib.sha256(content[whole:length]).hexdigest()
        assert report["durable_events_lost"] == len(places) - kept


def disk_with(files: dict[Path, bytes]) -> SimDisk:
    disk = SimDisk()
    disk.names = {path: Inode(bytearray(content), [], bytearray(content)) for path, content in files.items()}
    disk.sure_names = dict(disk.names)
    return disk


def test_a_file_cut_below_the_floor_is_not_seen_where_no_frame_is_left_to_say_so(data: DataDir) -> None:
    """The frames that named the floor are gone with it: the durable mark tells how much, in the restart event."""
    content = written(data, 2, 2)
    put(data, content[: ends(data)[2]])
    open_writer(data).close()
    assert json.loads(all_events(data)[-1].body)["durable_events_lost"] == 3


@pytest.mark.parametrize("left_bytes", [0, 50])
def test_a_file_that_the_mark_knows_is_not_begun_anew(data: DataDir, left_bytes: int) -> None:
    content = written(data, 1)
    put(data, content[:left_bytes])
    with pytest.raises(Corrupt, match=rf"its header is gone, but {len(content)} bytes of it were durable"):
        open_writer(data)
    assert file_path(data.journal, 1).exists()


def test_an_empty_journal_that_the_mark_knows_is_not_begun_anew(data: DataDir) -> None:
    written(data, 1)
    file_path(data.journal, 1).unlink()
    with pytest.raises(Corrupt, match="is empty, but 3 events were durable there"):
        open_writer(data)


def test_garbage_after_the_end_is_cut(data: DataDir) -> None:
    content = written(data, 2)
    put(data, content + bytes(5_000) + content[HEADER_BYTES:])
    open_writer(data).close()
    events = all_events(data)
    assert [event.event_seq for event in events] == [0, 1, 2, 3, 4]
    assert json.loads(events[4].body)["cut_bytes"] == 5_000 + len(content) - HEADER_BYTES


def test_every_flipped_byte_below_the_floor_stops_the_start(data: DataDir) -> None:
    content = written(data, 2, 2)
    places = [HEADER_BYTES, *ends(data)]
    for at in range(HEADER_BYTES, places[4], 7):
        put(data, _flip(content, at))
        frame_at = max(place for place in places if place <= at)
        with pytest.raises(Corrupt, match=rf"0000000001.journal: bad frame at offset {frame_at}: .*spanledger doctor"):
            open_writer(data)
    put(data, content)
    open_writer(data).close()


def test_a_flipped_byte_in_the_header_stops_the_start(data: DataDir) -> None:
    content = written(data, 1)
    for at in range(HEADER_BYTES):
        put(data, _flip(content, at))
        with pytest.raises((Corrupt, Incompatible), match=r"0000000001.journal"):
            open_writer(data)


def test_a_flipped_byte_in_the_last_group_is_cut_with_what_follows(data: DataDir) -> None:
    content = written(data, 2, 2)
    at = ends(data)[3] + 50
    put(data, _flip(content, at))
    open_writer(data).close()
    events = all_events(data)
    assert [event.kind for event in events][2:] == ["otlp.traces", "otlp.traces", "restart"]
    assert json.loads(events[-1].body)["cut_bytes"] == len(content) - ends(data)[3]


def _flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :]


def test_whole_frames_behind_a_torn_one_are_cut_where_none_of_them_says_it_was_synced(data: DataDir) -> None:
    content = written(data, 1, 4)
    hole = ends(data)[3]
    put(data, content[:hole] + bytes(100) + content[hole + 100 :])
    open_writer(data).close()
    assert [event.kind for event in all_events(data)][2:] == ["otlp.traces", "otlp.traces", "restart"]


def test_a_body_that_holds_a_copy_of_the_journal_proves_nothing_wrong(data: DataDir) -> None:
    content = written(data, 1, 1)
    with open_writer(data) as writer:
        writer.append(Draft("otlp.logs", content))
    whole = file_path(data.journal, 1).read_bytes()
    put(data, whole[:-1])
    open_writer(data).close()
    assert [event.kind for event in all_events(data)][2:] == ["otlp.traces", "otlp.traces", "restart"]


def test_numbers_and_receipt_times_go_on_after_a_restart(data: DataDir) -> None:
    written(data, 2, 2)
    before = all_events(data)
    with open_writer(data) as writer:  # whose simulated clock starts anew and is behind
        assert writer.append(DRAFTS[0]) == before[-1].event_seq + 1
    after = all_events(data)
    assert after[-1].received_ns >= before[-1].received_ns


def test_seeds_that_a_first_start_did_not_get_to_are_appended_by_the_next(data: DataDir) -> None:
    content = written(data)
    put(data, content[: ends(data)[0] + 10])
    open_writer(data).close()
    assert [event.kind for event in all_events(data)] == ["genesis", "price_book.published", "restart"]


def test_a_file_whose_header_was_never_synced_is_begun_anew(data: DataDir) -> None:
    content = written(data, 1)
    torn = file_path(data.journal, 2)
    torn.write_bytes(content[:40])
    open_writer(data).close()
    assert not torn.exists()
    assert file_path(data.journal, 1).read_bytes()[: len(content)] == content


def test_a_missing_file_in_the_middle_stops_the_start(data: DataDir) -> None:
    with open_writer(data, JournalOptions(file_bytes_max=300, seal=False)) as writer:
        for draft in DRAFTS:
            writer.append(draft)
    file_path(data.journal, 2).unlink()
    with pytest.raises(Corrupt, match=r"0000000003.journal does not follow 0000000001.journal"):
        open_writer(data)


def test_a_newer_format_is_incompatible(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(journal_file, "VERSION", 2)
        written(data, 1)
    with pytest.raises(Incompatible, match="journal format 2; this program reads 1"):
        open_writer(data)
    with JournalReader(data) as reader, pytest.raises(Incompatible):
        reader.read(-1, events_max=1, bytes_max=1)


def test_a_journal_of_another_shard_is_refused(data: DataDir) -> None:
    written(data, 1)
    with pytest.raises(Refused, match="shard 0, the configuration says 3"):
        open_writer(data, JournalOptions(shard=3))


def test_a_shard_numbers_its_events_from_its_own_range(data: DataDir) -> None:
    with open_writer(data, JournalOptions(shard=3, seal=False)) as writer:
        assert writer.append(DRAFTS[0]) == 3 * 2**48 + 2
    with JournalReader(data) as reader:
        seqs = [event.event_seq for event in reader.read(-1, events_max=9, bytes_max=1 << 20)]
    assert seqs == [3 * 2**48, 3 * 2**48 + 1, 3 * 2**48 + 2]

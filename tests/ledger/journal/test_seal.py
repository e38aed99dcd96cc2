"""Sealing replaces a closed file by the same frames, compressed, or leaves it alone."""

import random
import stat
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Corrupt, Incompatible
from ledger.journal import seal, sealed
from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX, PosixDisk
from ledger.journal.file import HEADER_BYTES, FileHeader, encode_file_header, file_path
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.journal.seal import BLOCK_BYTES_MAX, Sealer, seal_file
from ledger.journal.sealed import SealedFile
from ledger.paths import DataDir
from tests.ledger.journal.history import DATA, SimClock, SimRng, open_writer, read_all
from tests.ledger.journal.simdisk import PowerCut, SimDisk

MIB = 1 << 20
PATH = Path("/sim/0000000001.journal")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A closed file of about 5 MiB with bodies small and large, and one after it."""
    data = DataDir(tmp_path / "data")
    options = JournalOptions(file_bytes_max=5 * MIB, seal=False)
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=options) as writer:
        for size in (10, 3 * MIB, 400_000, 400_000, 400_000, 10, 0, 3 * MIB):
            writer.append(Draft("otlp.traces", b"0123456789abcdef" * (size // 16)))
    return data


def open_sealed(path: Path) -> SealedFile:
    return SealedFile(POSIX.open_read(path), path)


def test_the_sealed_file_gives_back_every_byte_in_blocks_cut_at_frames(data: DataDir) -> None:
    path = file_path(data.journal, 1)
    content = path.read_bytes()
    seal_file(POSIX, data.journal, 1, level=3)
    file = open_sealed(path)
    blocks = file.index.blocks
    assert b"".join(file.read(block.raw_offset, block.raw_bytes) for block in blocks) == content[HEADER_BYTES:]
    assert [block.frames for block in blocks if block.raw_bytes > BLOCK_BYTES_MAX] == [1]
    assert len(blocks) > 3
    assert path.stat().st_size * 6 < len(content)
    file.close()


def test_a_frame_of_any_size_is_sealed_in_pieces(tmp_path: Path) -> None:
    data, body = DataDir(tmp_path), random.Random(1).randbytes(24 * MIB)
    options = JournalOptions(file_bytes_max=1 * MIB, seal=False)
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=options) as writer:
        writer.append(Draft("otlp.traces", body))
        writer.append(Draft("otlp.traces", b""))
    number = next(n for n in range(1, 9) if file_path(data.journal, n).stat().st_size > len(body))
    tracemalloc.start()
    seal_file(POSIX, data.journal, number, level=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB
    with JournalReader(data) as reader:
        assert body in [event.body for event in reader.read(-1, events_max=10, bytes_max=1 << 30)]


def test_a_sealed_file_is_read_only_and_nothing_is_left_aside(data: DataDir) -> None:
    seal_file(POSIX, data.journal, 1, level=3)
    assert stat.S_IMODE(file_path(data.journal, 1).stat().st_mode) == 0o400
    assert POSIX.list(data.journal) == ["0000000001.journal", "0000000002.journal"]


def test_every_flipped_byte_of_a_sealed_file_is_seen(data: DataDir) -> None:
    path = file_path(data.journal, 1)
    seal_file(POSIX, data.journal, 1, level=3)
    content = path.read_bytes()
    path.chmod(0o600)
    step = max(1, len(content) // 400)
    for at in {*range(0, len(content), step), *range(130), *range(len(content) - 120, len(content))}:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises((Corrupt, Incompatible)):
            _read_whole(path)
    path.write_bytes(content)
    _read_whole(path)


def _read_whole(path: Path) -> None:
    first = path.read_bytes()[:200]
    if not sealed.is_sealed(first):
        raise Corrupt("not a sealed file")
    file = open_sealed(path)
    try:
        for block in file.index.blocks:
            file.read(block.raw_offset, block.raw_bytes)
    finally:
        file.close()


@given(footer=st.binary(min_size=72, max_size=72), index_offset=st.integers(0, 2**64 - 1))
def test_no_footer_crashes_the_reader(footer: bytes, index_offset: int) -> None:
    header = encode_file_header(FileHeader(0, 1, 0, bytes(16), bytes(16), 0, 0, 0))
    for end in (footer, index_offset.to_bytes(8, "little") + footer[8:]):
        disk = SimDisk()
        disk.open_append(PATH).write([sealed.encode_start(header), bytes(40), end, sealed.END_MAGIC])
        with pytest.raises(Corrupt):
            SealedFile(disk.open_read(PATH), PATH)


def test_a_sealed_file_cut_short_at_any_length_is_corrupt(data: DataDir) -> None:
    path = file_path(data.journal, 1)
    seal_file(POSIX, data.journal, 1, level=3)
    content = path.read_bytes()
    path.chmod(0o600)
    for length in range(0, len(content), max(1, len(content) // 200)):
        path.write_bytes(content[:length])
        with pytest.raises(Corrupt):
            _read_whole(path)


def test_a_damaged_file_is_not_sealed(data: DataDir) -> None:
    path = file_path(data.journal, 1)
    content = bytearray(path.read_bytes())
    content[1_000_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt):
        seal_file(POSIX, data.journal, 1, level=3)
    assert path.read_bytes() == content
    assert POSIX.list(data.journal) == ["0000000001.journal", "0000000002.journal"]


class WrongCompressor:
    def __init__(self, level: int) -> None:
        self._right = zstandard.ZstdCompressor(level=level)

    def compressobj(self, size: int) -> "WrongCompressor":
        self._object = self._right.compressobj(size=size)
        return self

    def compress(self, raw: bytes) -> bytes:
        return self._object.compress(raw.replace(b"9", b"8"))

    def flush(self) -> bytes:
        return self._object.flush()


def test_a_copy_that_differs_never_replaces_the_file(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_path(data.journal, 1)
    content = path.read_bytes()
    monkeypatch.setattr(seal, "ZstdCompressor", WrongCompressor)
    with pytest.raises(Corrupt, match="differ from the file it was made from"):
        seal_file(POSIX, data.journal, 1, level=3)
    assert path.read_bytes() == content
    assert POSIX.list(data.journal) == ["0000000001.journal", "0000000002.journal"]


def test_the_writer_seals_closed_files_beside_its_work(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    options = JournalOptions(file_bytes_max=20_000)
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng(), options=options) as writer:
        for _ in range(50):
            writer.append(Draft("otlp.traces", bytes(1_000)))
        before, deadline = read_all(POSIX, data), time.monotonic() + 20
        while writer.stats().sealed_files < writer.stats().file_number - 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert writer.append(Draft("otlp.traces", b"")) == 51
    assert read_all(POSIX, data)[:-1] == before


def test_a_writer_seals_what_the_one_before_left(data: DataDir) -> None:
    with JournalWriter.open(data, clock=SimClock(), rng=SimRng()) as writer:
        deadline = time.monotonic() + 20
        while not writer.stats().sealed_files:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_sealing_waits_while_senders_wait(data: DataDir) -> None:
    asked = []

    def busy() -> bool:
        asked.append(True)
        return len(asked) < 4

    sealer = Sealer(POSIX, data.journal, JournalOptions(), busy)
    sealer._seal_before(2)
    assert sealer.sealed_files == 1
    assert len(asked) > 4


def test_sealing_does_not_wait_once_too_many_files_are_left(data: DataDir) -> None:
    def busy() -> bool:
        raise AssertionError("nobody asks whether senders wait")

    sealer = Sealer(POSIX, data.journal, JournalOptions(seal_backlog_files_max=1), busy)
    sealer._before, sealer._unsealed = 2, {2}
    with suppress(AssertionError):  # asked at the second file, which is the last one left
        sealer._seal_before(2)
    assert sealer.sealed_files == 1


def test_sealing_gives_way_before_the_disk_is_full(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PosixDisk, "free_bytes", lambda self, directory: 2_000_000 - 1)
    sealer = Sealer(POSIX, data.journal, JournalOptions(free_bytes_min=1_000_000))
    sealer._seal_before(2)
    assert (sealer.sealed_files, sealer.failures) == (0, 1)
    assert POSIX.list(data.journal) == ["0000000001.journal", "0000000002.journal"]
    monkeypatch.undo()
    sealer._seal_before(3)
    assert sealer.sealed_files == 1


def test_a_file_that_cannot_be_sealed_is_counted_and_stays(data: DataDir) -> None:
    path = file_path(data.journal, 1)
    content = bytearray(path.read_bytes())
    content[1_000_000] ^= 1
    path.write_bytes(content)
    sealer = Sealer(POSIX, data.journal, JournalOptions())
    sealer._seal_before(2)
    assert (sealer.sealed_files, sealer.failures) == (0, 1)
    assert path.read_bytes() == content


def test_a_power_cut_at_every_operation_of_sealing_leaves_one_or_the_other() -> None:
    step, sealed_then = 0, set()
    while True:
        step += 1
        disk = SimDisk(step)
        with open_writer(disk) as writer:
            bodies = [bytes([n]) * 1_500 for n in range(12)]
            for body in bodies:
                writer.append(Draft("otlp.traces", body))
        at = disk.steps + step
        disk.fault = lambda now, what, path, at=at: PowerCut() if now >= at else None  # type: ignore[misc]
        with suppress(PowerCut):
            seal_file(disk, DATA.journal, 1, level=1)
        done = not disk.off
        disk = disk.after_power_cut()
        open_writer(disk).close()
        assert [event.body for event in read_all(disk)[2:14]] == bodies, f"step {step}"
        sealed_then.add(sealed.is_sealed(disk.read(file_path(DATA.journal, 1), 0, 8)))
        assert not [name for name in disk.list(DATA.journal) if name.endswith(".aside")]
        if done:
            break
    assert step > 10
    assert sealed_then == {False, True}

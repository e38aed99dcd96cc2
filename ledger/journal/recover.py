"""What a writer finds when it opens a journal, and how it makes the last file whole again (docs/format.md, "Recovery").

Each frame names the offset that was synced when it was written, so valid frames themselves prove how far the disk
had promised to keep the file: the floor. Below it a bad frame is damage, and nothing is repaired by guess. From the
floor on a power cut may leave anything, also whole frames behind a broken one: the first bad frame and all that
follows was never acknowledged and is cut.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Corrupt, Refused
from ledger.journal.disk import Disk, File, Source
from ledger.journal.file import (
    FIRST_FILE_NUMBER,
    HEADER_BYTES,
    NO_FILE_ID,
    VERIFY,
    FileHeader,
    decode_file_header,
    file_name,
    file_numbers,
    file_path,
)
from ledger.journal.frame import FILE_ID_AT, BadFrame, Stamp
from ledger.journal.mark import Mark
from ledger.journal.options import SHARD_EVENTS_MAX
from ledger.journal.sealed import BLOCKS_AT, is_sealed
from ledger.journal.source import read_file_header
from ledger.journal.walk import CHUNK_BYTES, NEAR_BYTES, walk


@dataclass(frozen=True, slots=True)
class Survey:
    """What the last file holds."""

    end: int  # end of the last frame of the unbroken row from the start
    floor: int  # highest synced offset that a frame of this file names; 0 where no frame is
    floor_seq: int  # last event that ends at or below the floor, -1 for none in this file
    next_event_seq: int
    received_ns: int  # receipt of the last event, or of the one before this file
    reason: str  # why the row ended; empty where it reached the end of the file


@dataclass(frozen=True, slots=True)
class Cut:
    """What was taken off the end of the last file: never acknowledged, kept only as this description."""

    file_number: int
    offset: int
    cut_bytes: int
    cut_sha256: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """The last file, whole and synced up to `end`, ready to be appended to."""

    file: File
    header: FileHeader
    end: int
    next_event_seq: int
    received_ns: int
    cut: Cut


def recover(disk: Disk, directory: Path, shard: int, mark: Mark | None) -> Recovered | None:
    """Make the last file of `directory` whole and durable. None for a journal without a file.

    Raises Corrupt for damage below the floor or in the chain of files, Incompatible for a newer format, Refused for a
    journal of another shard. `mark` decides nothing about frames; it only keeps a lost file from passing for a new one.
    """
    _remove_asides(disk, directory)
    headers = read_chain(disk, directory, mark)
    _check_shard(directory, headers, shard)
    disk.sync_dir(directory)  # a name that a predecessor made but did not live to sync must be durable before an ack
    return _recover_last(disk, directory, headers[-1]) if headers else None


def _remove_asides(disk: Disk, directory: Path) -> None:
    for name in disk.list(directory):
        if name.endswith(".aside"):
            disk.unlink(directory / name)


def read_chain(disk: Disk, directory: Path, mark: Mark | None) -> list[FileHeader]:
    """Headers of all files, checked to follow one another. Removes a last file whose making was interrupted."""
    numbers = file_numbers(disk, directory)
    if not numbers:
        _check_new(directory, mark)
    elif _unborn(disk, file_path(directory, numbers[-1])):
        _check_unused(file_path(directory, numbers[-1]), numbers[-1], mark)
        disk.unlink(file_path(directory, numbers.pop()))
    headers = [read_file_header(disk, file_path(directory, number)) for number in numbers]
    check_chain(directory, numbers, headers)
    return headers


def _unborn(disk: Disk, path: Path) -> bool:
    """Whether the file's header was never synced. No frame is written before it is: a longer file had one."""
    if disk.size(path) > HEADER_BYTES:
        return False
    try:
        decode_file_header(disk.read(path, 0, HEADER_BYTES), path)
    except Corrupt:
        return True
    return False


def _check_new(directory: Path, mark: Mark | None) -> None:
    if mark is not None and mark.event_seq >= 0:
        raise Corrupt(
            f"{directory} is empty, but {mark.event_seq % SHARD_EVENTS_MAX + 1} events were durable there. "
            f"Put a copy of it in its place; to begin a new ledger instead, use another data directory"
        )


def _check_unused(path: Path, number: int, mark: Mark | None) -> None:
    if mark is not None and mark.file_number == number and mark.offset > HEADER_BYTES:
        raise Corrupt(f"{path}: its header is gone, but {mark.offset} bytes of it were durable; {VERIFY}")


def check_chain(directory: Path, numbers: Sequence[int], headers: Sequence[FileHeader]) -> None:
    """Raise Corrupt unless the files follow one another without a gap."""
    before: FileHeader | None = None
    for number, header in zip(numbers, headers, strict=True):
        path = file_path(directory, number)
        if header.number != number:
            raise Corrupt(f"{path}: its header says file {header.number}: it was renamed; {VERIFY}")
        expected = (before.number + 1, before.file_id) if before else (FIRST_FILE_NUMBER, NO_FILE_ID)
        if (header.number, header.previous_file_id) != expected:
            raise Corrupt(
                f"{path} does not follow {file_name(expected[0] - 1)}: it was written after file "
                f"{header.previous_file_id.hex()}, there is {expected[1].hex()}; {VERIFY}"
            )
        before = header


def _check_shard(directory: Path, headers: Sequence[FileHeader], shard: int) -> None:
    if headers and headers[0].shard != shard:
        raise Refused(f"{directory} is the journal of shard {headers[0].shard}, the configuration says {shard}")


def _recover_last(disk: Disk, directory: Path, header: FileHeader) -> Recovered:
    path = file_path(directory, header.number)
    source = disk.open_read(path)
    try:
        if is_sealed(source.read(0, BLOCKS_AT)):
            raise Corrupt(f"{path} is sealed, but the file that followed it is missing; {VERIFY}")
        found = survey(source, header, path)
        cut = _describe_cut(source, header, found)
        file = _rewrite(disk, path, source, found)
    finally:
        source.close()
    return Recovered(file, header, found.end, found.next_event_seq, found.received_ns, cut)


def survey(source: Source, header: FileHeader, path: Path) -> Survey:
    """Walk the file from its start. Raises Corrupt where the row of frames breaks below the floor."""
    found = _survey_row(source, header)
    floor = max([found.floor, *_claims_behind(source, found.end, header.file_id)]) if found.reason else found.floor
    if floor > found.end:
        raise Corrupt(
            f"{path}: bad frame at offset {found.end}: {found.reason}. It was synced: a later frame says so of all "
            f"bytes up to {floor}; {VERIFY}"
        )
    return found


def _survey_row(source: Source, header: FileHeader) -> Survey:
    """The unbroken row of frames."""
    end, floor, floor_seq = HEADER_BYTES, 0, -1
    next_seq, received_ns, reason = header.first_event_seq, header.received_ns_min, ""
    try:
        for found in walk(source, HEADER_BYTES, source.size):
            stamp = found.frame.stamp
            check_place(stamp, header, next_seq, found.offset)
            if stamp.synced_offset > floor:  # the first frame of a group: all before it was synced
                floor, floor_seq = stamp.synced_offset, next_seq - 1
            end, next_seq, received_ns = found.end, next_seq + 1, stamp.received_ns
    except BadFrame as error:
        reason = str(error)
    return Survey(end, floor, floor_seq, next_seq, received_ns, reason)


def check_place(stamp: Stamp, header: FileHeader, event_seq: int, offset: int) -> None:
    """Raise BadFrame for a frame that is whole but not this one: of another file, copied, or out of turn."""
    if stamp.file_id != header.file_id:
        raise BadFrame(f"the frame belongs to file {stamp.file_id.hex()}, this is {header.file_id.hex()}")
    if stamp.event_seq != event_seq:
        raise BadFrame(f"the frame holds event {stamp.event_seq} where {event_seq} should be")
    if stamp.synced_offset > offset:
        raise BadFrame(f"the frame at {offset} says that {stamp.synced_offset} was synced before it")


def _claims_behind(source: Source, start: int, file_id: bytes) -> Iterator[int]:
    """Synced offsets named by valid frames behind a bad one.

    Looked for by the file id, 128 random bits: bytes that a sender chose cannot hold it, so they neither forge a
    claim nor slow the search down.
    """
    overlap, size = FILE_ID_AT + len(file_id), source.size
    for base in range(start, size, CHUNK_BYTES):
        chunk = source.read(base, CHUNK_BYTES + overlap)
        at = chunk.find(file_id, FILE_ID_AT)
        while at >= 0:
            yield from _claim(source, base + at - FILE_ID_AT, size)
            at = chunk.find(file_id, at + 1)


def _claim(source: Source, offset: int, size: int) -> Iterator[int]:
    try:
        frame = next(walk(source, offset, size, NEAR_BYTES)).frame
    except BadFrame:  # the id stands in something that is no frame: no claim
        return
    yield frame.stamp.synced_offset


def _describe_cut(source: Source, header: FileHeader, found: Survey) -> Cut:
    digest, size = hashlib.sha256(), source.size
    for offset in range(found.end, size, CHUNK_BYTES):
        digest.update(source.read(offset, min(CHUNK_BYTES, size - offset)))
    return Cut(header.number, found.end, size - found.end, digest.hexdigest(), found.reason)


def _rewrite(disk: Disk, path: Path, source: Source, found: Survey) -> File:
    """Write the last group again and sync it before it counts, then cut what follows.

    The kernel may hold its pages as clean although an earlier sync failed (fsyncgate: a failed writeback is told
    once); only bytes written anew are synced by a sync. They are the same bytes, so a tear changes nothing.
    """
    file = disk.open_append(path)
    try:
        for offset in range(found.floor, found.end, CHUNK_BYTES):
            file.write_at(offset, source.read(offset, min(CHUNK_BYTES, found.end - offset)))
        if file.size > found.end:
            file.truncate(found.end)
        file.sync()
    except BaseException:
        file.close()
        raise
    return file

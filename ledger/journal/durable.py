"""How far a reader may go: the durable mark, or, where there is none to believe, what the frames themselves prove.

The mark is missing where the journal was copied without DATA/run, and names too much where a copy was made while the
writer ran. Then the floor of the last file stands for it: the last group may stay hidden until a writer opens here.
"""

from pathlib import Path

from ledger.journal.disk import Disk
from ledger.journal.file import HEADER_BYTES, decode_file_header, file_numbers, file_path
from ledger.journal.mark import Mark, read_mark
from ledger.journal.options import SHARD_EVENTS_MAX
from ledger.journal.recover import survey
from ledger.journal.sealed import BLOCKS_AT, SealedFile, is_sealed
from ledger.paths import DataDir


class DurableEnd:
    """Asked as often as a reader likes: a few microseconds while a writer publishes."""

    def __init__(self, data: DataDir, disk: Disk) -> None:
        self._data, self._disk = data, disk
        self._trusted: Mark | None = None
        self._proved: tuple[int, int, Mark | None] = (-1, -1, None)

    def mark(self) -> Mark | None:
        """None where the journal holds nothing."""
        mark = read_mark(self._disk, self._data.durable_mark)
        if mark is None or (mark != self._trusted and not self._is_there(mark)):
            return self._prove()
        self._trusted = mark
        return mark

    def _is_there(self, mark: Mark) -> bool:
        path = file_path(self._data.journal, mark.file_number)
        return self._disk.exists(path) and self._disk.size(path) >= mark.offset

    def _prove(self) -> Mark | None:
        """The floor of the last file that was begun, walked through again only when that file has changed."""
        for number in reversed(file_numbers(self._disk, self._data.journal)):
            path = file_path(self._data.journal, number)
            size = self._disk.size(path)
            if size <= HEADER_BYTES:
                continue  # no event in it, and perhaps not even a header
            if self._proved[:2] != (number, size):
                self._proved = (number, size, _proved_end(self._disk, path))
            return self._proved[2]
        return None


def _proved_end(disk: Disk, path: Path) -> Mark:
    source = disk.open_read(path)
    try:
        first = source.read(0, BLOCKS_AT)
        if is_sealed(first):
            sealed = SealedFile(source, path)
            return Mark(sealed.header.number, sealed.end, sealed.index.last_event_seq)
        header = decode_file_header(first, path)
        found = survey(source, header, path)
    finally:
        source.close()
    seq = found.floor_seq if found.floor else header.first_event_seq - 1
    empty = seq < header.shard * SHARD_EVENTS_MAX
    return Mark(header.number, max(found.floor, HEADER_BYTES), -1 if empty else seq)

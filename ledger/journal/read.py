"""Read the journal: in order, in batches, or one event by its number. Never past the durable mark.

Works beside a running writer in another process and without one, on sealed and unsealed files alike. Needs no lock.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ledger.errors import Corrupt, NotFound
from ledger.journal.disk import POSIX, Disk
from ledger.journal.durable import DurableEnd
from ledger.journal.file import FIRST_FILE_NUMBER, HEADER_BYTES, VERIFY, FileHeader, file_path
from ledger.journal.frame import BadFrame, Event, to_event
from ledger.journal.mark import Mark
from ledger.journal.recover import check_place
from ledger.journal.source import JournalFile, open_journal_file, read_file_header
from ledger.journal.walk import CHUNK_BYTES, NEAR_BYTES, Found, walk
from ledger.paths import DataDir

OPEN_FILES_MAX = 4
"""Files kept open: the one being tailed, and some for events looked up."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event's frame starts."""

    event_seq: int
    file_number: int
    offset: int


class JournalReader:
    """One reader of one journal. Any thread may call it; calls take turns."""

    def __init__(self, data: DataDir, disk: Disk = POSIX) -> None:
        self._data, self._disk = data, disk
        self._turn = threading.Lock()
        self._durable = DurableEnd(data, disk)
        self._headers: list[FileHeader] = []
        self._open: dict[int, JournalFile] = {}
        self._next: _Place | None = None

    def durable_seq(self) -> int:
        """The last event that may be read; -1 where there is none."""
        with self._turn:
            mark = self._durable.mark()
        return mark.event_seq if mark else -1

    def read(
        self, after_seq: int, *, events_max: int, bytes_max: int, too_many: Callable[[Event], bool] = lambda _: False
    ) -> list[Event]:
        """The events after `after_seq`, in order: at least one where there is one, then up to both bounds.

        too_many: asked about each event in turn; whether it is past a bound of the caller's.
        """
        events: list[Event] = []
        left_bytes, chunk_bytes = bytes_max, _chunk_bytes(events_max, bytes_max)
        with self._turn:
            for event in self._events(after_seq + 1, chunk_bytes):
                left_bytes -= event.frame_bytes
                if (too_many(event) or left_bytes < 0) and events:
                    break
                events.append(event)
                self._next = _Place(event.event_seq + 1, event.file_number, event.offset + event.frame_bytes)
                if len(events) >= events_max:
                    break
        return events

    def get(self, event_seq: int) -> Event:
        """One event by its number. Raises NotFound."""
        with self._turn:
            event = next(self._events(event_seq, NEAR_BYTES), None)
        if event is None or event.event_seq != event_seq:
            raise NotFound(f"event {event_seq} is not in the journal, which ends with {self.durable_seq()}")
        return event

    def close(self) -> None:
        with self._turn:
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _events(self, first_seq: int, chunk_bytes: int) -> Iterator[Event]:
        """The events from `first_seq` to the mark."""
        mark = self._durable.mark()
        if mark is None or first_seq > mark.event_seq:
            return
        place: _Place | None = self._place(first_seq, mark)
        while place is not None:
            file, end = self._file(place.file_number), self._end(place.file_number, mark)
            seq = place.event_seq
            for found in self._frames(file, place, end, chunk_bytes):
                if seq >= first_seq:
                    yield to_event(found.frame, place.file_number, found.offset)
                seq += 1
            place = self._after(place.file_number, seq, mark)

    def _frames(self, file: JournalFile, place: _Place, end: int, chunk_bytes: int) -> Iterator[Found]:
        seq, offset = place.event_seq, place.offset
        try:
            for found in walk(file, place.offset, end, chunk_bytes):
                check_place(found.frame.stamp, file.header, seq, found.offset)
                file.note(seq, offset)
                yield found
                seq, offset = seq + 1, found.end
        except BadFrame as error:
            path = file_path(self._data.journal, place.file_number)
            raise Corrupt(f"{path}: bad frame at offset {offset}: {error}; {VERIFY}") from error

    def _place(self, event_seq: int, mark: Mark) -> _Place:
        """A place to start walking from to reach `event_seq`."""
        if self._next is not None and self._next.event_seq == event_seq:
            return self._next
        self._learn_headers(mark)
        n = bisect_right(self._headers, event_seq, key=lambda header: header.first_event_seq) - 1
        file = self._file(self._headers[max(n, 0)].number)
        seq, offset = file.near(event_seq)
        return _Place(seq, file.header.number, offset)

    def _after(self, number: int, event_seq: int, mark: Mark) -> _Place | None:
        """The start of the file after `number`, which must go on with `event_seq`."""
        if number >= mark.file_number:
            return None
        header = self._header(number + 1, mark)
        if header.first_event_seq != event_seq:
            path = file_path(self._data.journal, number)
            raise Corrupt(
                f"{path} ends before event {event_seq}, the file after it begins with event "
                f"{header.first_event_seq}; {VERIFY}"
            )
        return _Place(event_seq, header.number, HEADER_BYTES)

    def _end(self, number: int, mark: Mark) -> int:
        """How far file `number` counts: up to the mark, or to where the file after it says."""
        return mark.offset if number == mark.file_number else self._header(number + 1, mark).previous_end

    def _header(self, number: int, mark: Mark) -> FileHeader:
        self._learn_headers(mark)
        return self._headers[number - FIRST_FILE_NUMBER]

    def _learn_headers(self, mark: Mark) -> None:
        """Headers never change, and files are numbered without a gap: read each once."""
        for number in range(FIRST_FILE_NUMBER + len(self._headers), mark.file_number + 1):
            self._headers.append(read_file_header(self._disk, file_path(self._data.journal, number)))

    def _file(self, number: int) -> JournalFile:
        file = self._open.pop(number, None)
        if file is None:
            file = open_journal_file(self._disk, file_path(self._data.journal, number))
        self._open[number] = file  # the last in the order of insertion is the last used
        if len(self._open) > OPEN_FILES_MAX:
            self._open.pop(next(iter(self._open))).close()
        return file


def _chunk_bytes(events_max: int, bytes_max: int) -> int:
    """How much to read at once for a batch: no more than it can use, where it is small."""
    return max(NEAR_BYTES, min(CHUNK_BYTES, bytes_max, events_max * NEAR_BYTES))

"""The journal's one writer: gives out event numbers, groups what waits into one sync, and acknowledges after it.

Guarantees: a future is resolved with an event number only after the frame, and the name of a new file, are synced;
numbers are contiguous and follow the order of submission; after a failed sync nothing more is acknowledged from that
file. What cannot be written now fails with Overloaded and leaves no trace in the numbers. One thread writes; `submit`
is for any thread. While a sync runs the next group gathers, so there is no timer to tune (docs/adr/0001).
"""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ledger.errors import LedgerError, Overloaded, TooLarge
from ledger.journal.birth import first_drafts, restart_draft
from ledger.journal.disk import POSIX, Disk, Lock
from ledger.journal.frame import Draft, encode_texts
from ledger.journal.mark import Mark, MarkFile, read_mark
from ledger.journal.options import DEFAULTS, JournalOptions
from ledger.journal.recover import recover
from ledger.journal.seal import Sealer
from ledger.journal.tail import Entry, Tail
from ledger.paths import DataDir
from ledger.seams import Clock, Rng

log = logging.getLogger(__name__)

ENTRY_BYTES = 1024
"""What a waiting draft costs in memory beside its body: objects, future, texts."""


@dataclass(frozen=True, slots=True)
class JournalStats:
    """What is waiting now, and counters since the writer was opened. For /metrics."""

    queued_events: int
    queued_bytes: int
    appended_events: int
    appended_bytes: int
    groups: int
    sync_ns: int  # time spent in write and sync
    overloaded: int  # drafts that there was no room for
    failed_groups: int  # groups that the disk did not take
    mark_failures: int  # durable marks that could not be published at once
    sealed_files: int
    seal_failures: int
    file_number: int
    file_bytes: int
    last_event_seq: int


@dataclass(slots=True)
class _Counters:
    appended_events: int = 0
    appended_bytes: int = 0
    groups: int = 0
    sync_ns: int = 0
    overloaded: int = 0
    failed_groups: int = 0
    mark_failures: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    future: "Future[int]"

    @property
    def memory_bytes(self) -> int:
        return len(self.entry.draft.body) + ENTRY_BYTES


class JournalWriter:
    """Open it, submit to it, close it. A context manager."""

    def __init__(self, tail: Tail, mark: MarkFile, sealer: Sealer, lock: Lock, clock: Clock, options: JournalOptions):
        self._tail, self._mark, self._sealer, self._lock = tail, mark, sealer, lock
        self._clock, self._options = clock, options
        self._wake = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0  # of the group in flight too: it is in memory until it is durable
        self._received_ns = tail.received_ns
        self._closing = self._mark_is_stale = False
        self._failure: BaseException | None = None
        self._counters = _Counters()
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)

    @classmethod
    def open(
        cls,
        data: DataDir,
        *,
        clock: Clock,
        rng: Rng,
        disk: Disk = POSIX,
        options: JournalOptions = DEFAULTS,
        seed: Sequence[Draft] = (),
    ) -> Self:
        """Lock the journal, make it whole, begin it where it is new, and start the writer's thread.

        Raises Locked, Corrupt, Incompatible, Refused for another shard's journal, OSError where the disk fails.
        """
        options.validated()
        disk.mkdir(data.journal)
        disk.mkdir(data.run)
        lock = disk.lock(data.journal, data.run / "journal.holder")
        try:
            return cls._open_locked(data, lock, clock, rng, disk, options, seed)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_locked(
        cls,
        data: DataDir,
        lock: Lock,
        clock: Clock,
        rng: Rng,
        disk: Disk,
        options: JournalOptions,
        seed: Sequence[Draft],
    ) -> Self:
        mark = read_mark(disk, data.durable_mark)
        found = recover(disk, data.journal, options.shard)
        tail = Tail(disk, data.journal, clock, rng, options, found)
        drafts = first_drafts(options, seed, tail.next_event_seq) + restart_draft(found, mark)
        if drafts:
            received_ns = max(tail.received_ns, clock.now_ns())
            tail.write([_entry(draft, received_ns) for draft in drafts])
        writer = cls(tail, MarkFile(disk, data.durable_mark), Sealer(disk, data.journal, options), lock, clock, options)
        writer._start()
        return writer

    def _start(self) -> None:
        self._publish()
        self._thread.start()
        self._sealer.wake(self._tail.file_number)

    def submit(self, draft: Draft) -> "Future[int]":
        """Queue `draft`. The future gives its event number once it is durable; it fails with Overloaded where there is
        no room now, Refused or TooLarge where the draft can never be taken.
        """
        future: Future[int] = Future()
        try:
            self._check_size(draft)
            texts, digest = encode_texts(draft), hashlib.sha256(draft.body).digest()
            with self._wake:
                self._check_open(len(draft.body) + ENTRY_BYTES)
                self._received_ns = max(self._received_ns, self._clock.now_ns())
                waiting = _Waiting(Entry(draft, texts, digest, self._received_ns), future)
                self._queue.append(waiting)
                self._queued_bytes += waiting.memory_bytes
                self._wake.notify()
        except LedgerError as error:
            future.set_exception(error)
        return future

    def append(self, draft: Draft, timeout_s: float = 30.0) -> int:
        """Submit `draft` and wait. TimeoutError says only that the wait ended: it may still become durable."""
        return self.submit(draft).result(timeout_s)

    @property
    def queued_bytes(self) -> int:
        """Bytes in memory that are not yet durable."""
        return self._queued_bytes

    def stats(self) -> JournalStats:
        with self._wake:
            queued, queued_bytes, counters = len(self._queue), self._queued_bytes, self._counters
        return JournalStats(
            queued_events=queued,
            queued_bytes=queued_bytes,
            appended_events=counters.appended_events,
            appended_bytes=counters.appended_bytes,
            groups=counters.groups,
            sync_ns=counters.sync_ns,
            overloaded=counters.overloaded,
            failed_groups=counters.failed_groups,
            mark_failures=counters.mark_failures,
            sealed_files=self._sealer.sealed_files,
            seal_failures=self._sealer.failures,
            file_number=self._tail.file_number,
            file_bytes=self._tail.end,
            last_event_seq=self._tail.last_event_seq,
        )

    def close(self) -> None:
        """Write what is queued, say in the durable mark that the end is clean, let go of the lock."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._sealer.close()
        self._tail.close()
        try:
            self._mark.close(None if self._failure else self._here())
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_size(self, draft: Draft) -> None:
        if len(draft.body) > self._options.body_bytes_max:
            raise TooLarge(
                f"event of kind {draft.kind}: body of {len(draft.body)} bytes, "
                f"at most {self._options.body_bytes_max} are taken; split it"
            )

    def _check_open(self, memory_bytes: int) -> None:
        """Raise Overloaded where `memory_bytes` more cannot wait now."""
        if self._failure is not None:
            raise LedgerError(f"the journal's writer stopped: {self._failure!r}; restart it") from self._failure
        if self._closing:
            raise Overloaded("the journal is closing; send it again")
        over_bytes = self._queued_bytes > 0 and self._queued_bytes + memory_bytes > self._options.queue_bytes_max
        if over_bytes or len(self._queue) >= self._options.queue_events_max:
            self._counters.overloaded += 1
            raise Overloaded(
                f"{self._queued_bytes} bytes in {len(self._queue)} events wait for the disk, at most "
                f"{self._options.queue_bytes_max} in {self._options.queue_events_max} may; send it again"
            )

    def _run(self) -> None:
        try:
            while (group := self._next_group()) is not None:
                self._commit(group)
        except BaseException as error:
            self._fail_all(error)
            raise

    def _next_group(self) -> list[_Waiting] | None:
        """What waits, up to the bounds of a group; empty to publish a stale mark; None at the end."""
        with self._wake:
            while not self._queue:
                if self._closing:
                    return None
                if not self._wake.wait(self._options.mark_retry_s if self._mark_is_stale else None):
                    return []
            group, total = [self._queue.popleft()], 0
            while self._queue and total < self._options.group_bytes_max:
                total += group[-1].memory_bytes
                group.append(self._queue.popleft())
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        """Write, sync, publish, acknowledge: in this order."""
        wanted = [waiting for waiting in group if waiting.future.set_running_or_notify_cancel()]
        number, started_ns = self._tail.file_number, self._clock.monotonic_ns()
        try:
            first = self._tail.write([waiting.entry for waiting in wanted]) if wanted else 0
        except OSError as error:
            self._counters.failed_groups += 1
            log.error("journal: %d events were not written: %s", len(wanted), error)
            _fail(wanted, Overloaded(f"the journal cannot be written: {error}; nothing was kept, send it again"))
        else:
            self._publish()
            self._count(wanted, self._clock.monotonic_ns() - started_ns)
            for n, waiting in enumerate(wanted):
                waiting.future.set_result(first + n)
        finally:
            with self._wake:
                self._queued_bytes -= sum(waiting.memory_bytes for waiting in group)
        if self._tail.file_number != number:
            self._sealer.wake(self._tail.file_number)

    def _count(self, wanted: list[_Waiting], took_ns: int) -> None:
        counters = self._counters
        counters.groups += bool(wanted)
        counters.appended_events += len(wanted)
        counters.appended_bytes += sum(len(waiting.entry.draft.body) for waiting in wanted)
        counters.sync_ns += took_ns

    def _here(self) -> Mark:
        return Mark(self._tail.file_number, self._tail.end, self._tail.last_event_seq)

    def _publish(self) -> None:
        """Tell readers. The events are durable whether or not this works, so an error only delays the telling."""
        try:
            self._mark.publish(self._here())
            self._mark_is_stale = False
        except OSError as error:
            self._mark_is_stale = True
            self._counters.mark_failures += 1
            log.warning("journal: the durable mark was not published, trying again: %s", error)

    def _fail_all(self, error: BaseException) -> None:
        with self._wake:
            self._failure = error
            waiting, self._queued_bytes = list(self._queue), 0
            self._queue.clear()
        failure = LedgerError(f"the journal's writer stopped: {error!r}")
        _fail([one for one in waiting if one.future.set_running_or_notify_cancel()], failure)


def _entry(draft: Draft, received_ns: int) -> Entry:
    return Entry(draft, encode_texts(draft), hashlib.sha256(draft.body).digest(), received_ns)


def _fail(group: Sequence[_Waiting], error: LedgerError) -> None:
    for waiting in group:
        waiting.future.set_exception(error)

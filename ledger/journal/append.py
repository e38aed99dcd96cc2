"""The journal's one writer: gives out event numbers, groups what waits into one sync, and acknowledges after it.

Guarantees: a future is resolved with an event number only after the frame, and the name of a new file, are synced;
numbers are contiguous and follow the order of submission; after a failed sync nothing more is acknowledged from that
file. What cannot be written now fails with Overloaded and leaves no trace in the numbers. One thread writes; `submit`
is for any thread. While a sync runs the next group gathers, so there is no timer to tune (docs/adr/0001).
"""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from ledger.errors import LedgerError, Overloaded, TooLarge
from ledger.journal.birth import first_drafts, restart_draft
from ledger.journal.disk import POSIX, Disk, Lock
from ledger.journal.frame import Draft, encode_texts
from ledger.journal.mark import Mark, MarkFile, read_mark
from ledger.journal.options import DEFAULTS, JournalOptions
from ledger.journal.pace import Pace
from ledger.journal.queue import Queue, Waiting
from ledger.journal.recover import recover
from ledger.journal.seal import Sealer
from ledger.journal.stats import Counters, JournalStats
from ledger.journal.tail import Entry, Tail
from ledger.paths import DataDir
from ledger.seams import Clock, Rng

log = logging.getLogger(__name__)


class JournalWriter:
    """Open it, submit to it, close it. A context manager."""

    def __init__(self, data: DataDir, lock: Lock, clock: Clock, rng: Rng, disk: Disk, options: JournalOptions) -> None:
        """Recover the journal that `lock` holds. For `open`."""
        before = read_mark(disk, data.durable_mark)
        found = recover(disk, data.journal, options.shard, before)
        self._tail = Tail(disk, data.journal, clock, rng, options, found)
        self._restart = restart_draft(found, before)
        self._mark = MarkFile(disk, data.durable_mark)
        self._sealer = Sealer(disk, data.journal, options, busy=lambda: self._queue.memory_bytes > 0)
        self._queue = Queue(options, clock, self._tail.received_ns)
        self._lock, self._clock, self._options = lock, clock, options
        self._prologue: Sequence[Entry] = ()
        self._failing = self._mark_is_stale = self._closed = False
        self._closing = threading.Lock()
        self._failure: BaseException | None = None
        self._counters, self._pace = Counters(), Pace()
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

        Raises Locked, Corrupt, Incompatible, Refused for another shard's journal, Overloaded where the disk fails.
        """
        options.validated()
        try:
            disk.mkdir(data.journal)
            disk.mkdir(data.run)
            lock = disk.lock(data.journal, data.run / "journal.holder")
            try:
                writer = cls(data, lock, clock, rng, disk, options)
                writer._start(seed)
            except BaseException:
                lock.release()
                raise
        except OSError as error:
            raise Overloaded(f"{data.journal} cannot be opened for writing: {error}") from error
        return writer

    def _start(self, seed: Sequence[Draft]) -> None:
        drafts = [*first_drafts(self._options, seed, self._tail.next_event_seq), *self._restart]
        received_ns = self._queue.now_ns()
        self._prologue = [Entry(draft, encode_texts(draft), received_ns) for draft in drafts]
        try:
            self._write([])
        except OSError as error:
            if self._tail.last_event_seq < 0:
                self._tail.close()
                raise
            # A ledger whose disk is full still starts and answers; its first event waits for room like any other.
            self._count_failure(error)
        self._publish()
        self._thread.start()
        self._sealer.wake(self._tail.file_number)

    def submit(self, draft: Draft) -> "Future[int]":
        """Queue `draft`. The future gives its event number once it is durable; it fails with Overloaded where there is
        no room now, Refused or TooLarge where the draft can never be taken. Never blocks on the disk. What is added to
        the future as a callback runs in the writer's thread and must not wait for anything.
        """
        future: Future[int] = Future()
        try:
            self._check_size(draft)
            self._queue.put(draft, encode_texts(draft), future)
        except LedgerError as error:
            future.set_exception(error)
        return future

    def withdraw(self, future: "Future[int]") -> None:
        """Take back what `submit` queued, unless its writing has begun: its future is cancelled, its memory free."""
        if future.cancel():
            self._queue.discard(future)

    def append(self, draft: Draft, timeout_s: float = 30.0) -> int:
        """Submit `draft` and wait. TimeoutError says only that the wait ended: it may still become durable."""
        return self.submit(draft).result(timeout_s)

    @property
    def alive(self) -> bool:
        """False once the writer's thread has died of a bug: nothing is taken any more, end the process."""
        return self._failure is None

    @property
    def queued_bytes(self) -> int:
        """Bytes in memory that are not yet durable."""
        return self._queue.memory_bytes

    @property
    def backlog_s(self) -> float:
        """How long the disk will need for them, by what it showed; 0 while it has not been seen under load."""
        return self._pace.seconds(self._queue.memory_bytes)

    def stats(self) -> JournalStats:
        counters = self._counters
        return JournalStats(
            queued_events=len(self._queue),
            queued_bytes=self._queue.memory_bytes,
            appended_events=counters.appended_events,
            appended_bytes=counters.appended_bytes,
            groups=counters.groups,
            sync_ns=counters.sync_ns,
            overloaded=self._queue.overloaded,
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
        self._queue.close("the journal is closing")
        self._thread.join()
        with self._closing:
            if not self._closed:
                self._closed = True
                self._let_go()

    def _let_go(self) -> None:
        self._sealer.close()
        self._tail.close()
        clean = self._failure is None and not self._prologue
        try:
            self._mark.close(self._here() if clean else None)
        except OSError as error:  # every event is durable; the next start will only not know that the end was clean
            log.warning("journal: the clean end was not marked: %s", error)
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

    def _run(self) -> None:
        group: list[Waiting] | None = []
        try:
            while (group := self._queue.take(self._patience_s(), self._pace.group_bytes_max)) is not None:
                self._commit(group)
                group = []  # the bodies go before the next ones are waited for: their senders' memory was given back
        except BaseException as error:
            self._fail_all(error, group or [])
            raise

    def _patience_s(self) -> float | None:
        """How long to wait for a draft: for ever, unless something is overdue that could not be written."""
        return self._options.retry_s if self._mark_is_stale or self._prologue else None

    def _commit(self, group: list[Waiting]) -> None:
        """Write, sync, publish, acknowledge: in this order."""
        wanted = [waiting for waiting in group if waiting.future.set_running_or_notify_cancel()]
        number, started_ns = self._tail.file_number, self._clock.monotonic_ns()
        try:
            first = self._write(wanted)
        except OSError as error:
            self._count_failure(error)
            _fail(wanted, Overloaded(f"the journal cannot be written: {error}; send it again"))
        else:
            self._publish()
            self._count(wanted, self._clock.monotonic_ns() - started_ns)
            for n, waiting in enumerate(wanted):
                waiting.future.set_result(first + n)
        finally:
            self._queue.release(group)
        if self._tail.file_number != number:
            self._sealer.wake(self._tail.file_number)

    def _write(self, wanted: Sequence[Waiting]) -> int:
        """The number of the first of `wanted`, which are durable now, after the writer's own first events."""
        entries = [*self._prologue, *(waiting.entry for waiting in wanted)]
        first = self._tail.write(entries) + len(self._prologue) if entries else 0
        self._prologue = ()
        return first

    def _count_failure(self, error: OSError) -> None:
        self._counters.failed_groups += 1
        if not self._failing:  # a full disk fails thousands of groups: told at its beginning and at its end
            self._failing = True
            log.error("journal: cannot be written, senders are told to come again: %s", error)

    def _count(self, wanted: Sequence[Waiting], took_ns: int) -> None:
        if self._failing:
            self._failing = False
            log.warning("journal: written again")
        counters = self._counters
        counters.groups += bool(wanted)
        counters.appended_events += len(wanted)
        size = sum(len(waiting.entry.draft.body) for waiting in wanted)
        counters.appended_bytes += size
        counters.sync_ns += took_ns
        self._pace.wrote(size, took_ns)

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

    def _fail_all(self, error: BaseException, group: Sequence[Waiting]) -> None:
        """The writer's thread dies of a bug: senders keep what is not acknowledged, for the next process."""
        self._failure = error
        told = f"the journal's writer stopped: {error!r}"
        self._queue.close(told)
        unsure = [waiting for waiting in group if not waiting.future.done()]
        while rest := self._queue.take(None, float("inf")):
            self._queue.release(rest)
            unsure += [waiting for waiting in rest if waiting.future.set_running_or_notify_cancel()]
        _fail(unsure, Overloaded(f"{told}; send it again"))


def _fail(group: Sequence[Waiting], error: LedgerError) -> None:
    for waiting in group:
        waiting.future.set_exception(error)

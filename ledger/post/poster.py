"""The poster: takes events off the journal in batches and commits what follows from them.

Never waits for a reader and is never waited for by the collector. If anything fails before a commit, memory is thrown
away and the batch is posted again from the cursor; so whoever calls `step` may call it again after any error.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields
from itertools import groupby

import pyarrow as pa

from ledger.books.book import PriceBook
from ledger.books.cost_sources import read_choice
from ledger.books.order import read_order
from ledger.books.periods import Periods, read_closing
from ledger.books.reconciled import read_reconciliation
from ledger.errors import Corrupt, LedgerError, Refused
from ledger.journal import kinds
from ledger.journal.disk import POSIX, Disk
from ledger.journal.frame import Event
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post import swap
from ledger.post.batch import Batch, quarantined
from ledger.post.conversations import Conversations
from ledger.post.duplicates import SameSpan
from ledger.post.listing import Listing
from ledger.post.metered import Metered, trace_keys
from ledger.post.open_traces import OpenTraces
from ledger.post.published import price_rows
from ledger.post.reconciling import reconciliation_rows
from ledger.post.remembered import Remembered
from ledger.post.rerating import TRACES_A_STEP, post_order
from ledger.post.settling import TRACES_MAX, read_settling
from ledger.post.tariffs import Tariffs
from ledger.post.telemetry import DATA_ERRORS, Decode, Telemetry
from ledger.schema import ARROW
from ledger.seams import IN_STEP, Clock
from ledger.store import settled
from ledger.store.catalog import Catalog
from ledger.store.manifest import Connect
from ledger.store.options import StoreOptions

SpansIn = Callable[[Event], int]
"""How many spans an event holds, or more, without decoding it."""

_LAST, _PERIODS = "last_event_sha256", "periods"


@dataclass(frozen=True)
class PosterOptions:
    """Bounds of posting, each with its reason."""

    batch_events_max: int = 1024
    """Events a commit: small requests share one transaction."""
    batch_bytes_max: int = 32 << 20
    """Bytes of bodies a commit: decoded columns take several times this."""
    batch_spans_max: int = 32_768
    """Spans a commit, past the first event: tiny spans unfold to many times their bytes."""
    open_spans_max: int = 150_000
    """Spans of open traces held in memory, about 500 bytes each; older traces are read back when they are touched."""
    open_text_max: int = 32 << 20
    """Characters of names that these spans hold. Past it the older half of the traces goes, however few they are."""
    remembered_bytes_max: int = 32 << 20
    """Bodies of events kept at hand for comparing spans that came twice."""

    def validate(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 1:
                raise LedgerError(f"posting.{one.name}: {getattr(self, one.name)} given, 1 or more expected")


class _Spans:
    """Counts the spans of events while they are read."""

    def __init__(self, spans_in: SpansIn, spans_max: int) -> None:
        self._spans_in, self._left = spans_in, spans_max

    def past(self, event: Event) -> bool:
        """Whether there are more than the bound with those of `event`."""
        self._left -= self._spans_in(event)
        return self._left < 0


class Poster:
    """Owns the ledger's directory while it is open."""

    def __init__(
        self,
        data: DataDir,
        decode: Decode,
        same_span: SameSpan,
        *,
        clock: Clock,
        options: PosterOptions = PosterOptions(),
        store_options: StoreOptions = StoreOptions(),
        spans_in: SpansIn = lambda _event: 1,
        disk: Disk = POSIX,
        connect: Connect = sqlite3.connect,
        merging: Executor = IN_STEP,
    ) -> None:
        options.validate()
        self._spans_in = spans_in
        self._decode, self._same_span, self._options = decode, same_span, options
        swap.finish_interrupted(disk, data)
        self._reader = JournalReader(data, disk)
        self._catalog = Catalog.open(
            data, clock=clock, options=store_options, disk=disk, connect=connect, merging=merging
        )
        self._events = Remembered(self._reader.get, options.remembered_bytes_max)
        try:
            swap.remove_leftovers(disk, data)
            self._check_journal(data)
        except BaseException:
            self._catalog.abandon()
            self._reader.close()
            raise
        self._is_stale = False
        self._told_seq = self.cursor
        self._start_afresh()

    @property
    def cursor(self) -> int:
        """The last event posted, -1 at first."""
        return self._catalog.cursor

    @property
    def told_seq(self) -> int:
        """The last event with telemetry that was posted; before any was, the one where the ledger stood when opened."""
        return self._told_seq

    def is_left(self, through_seq: int) -> bool:
        """Whether a trace that was touched last up to this event has something left to be settled."""
        return bool(self._catalog.unsettled(0, through_seq, 1))

    def step(self) -> int:
        """Post one batch. Returns the events posted, 0 when the journal's durable end is reached."""
        options = self._options
        events = self._reader.read(
            self.cursor,
            events_max=options.batch_events_max,
            bytes_max=options.batch_bytes_max,
            too_many=_Spans(self._spans_in, options.batch_spans_max).past,
        )
        if events:
            events = _up_to_lone(events)
            if self._is_stale:  # from an attempt that failed
                self._start_afresh()
            if self._is_large(events):
                self._catalog.await_merge()  # not both at once: together they would take too much memory
            self._is_stale = True  # until the commit: memory runs ahead of the ledger
            self._post(events)
            self._is_stale = False
            told = [event.event_seq for event in events if event.kind in kinds.TELEMETRY]
            self._told_seq = max(told, default=self._told_seq)
            if events[0].kind == kinds.RERATE_ORDERED:  # which changes what open traces are priced by
                self._open_afresh()
        self._catalog.tidy()
        return len(events)

    def close(self) -> None:
        """Write hot rows to segments and let go of the directory."""
        self._catalog.close()
        self._reader.close()

    def _check_journal(self, data: DataDir) -> None:
        """The event at the cursor must be the one that was posted. Raises Corrupt where the journal is another one.

        A journal that was put back from an older copy gives its next numbers to other events, and posting on would
        pass them over in silence.
        """
        last, end = self._catalog.state(_LAST), self._reader.durable_seq()
        if last is None:
            return
        if end < self.cursor or self._reader.get(self.cursor).raw_sha256 != last:
            raise Corrupt(
                f"{data.ledger} was posted up to event {self.cursor}, which is not in {data.journal} (it ends at event "
                f"{end}) or is another one there: the journal was replaced. Run `spanledger rebuild` to post it anew"
            )

    def _is_large(self, events: Sequence[Event]) -> bool:
        """Whether it is one event beyond what a batch may hold, or may be by what follows from it."""
        options, first = self._options, events[0]
        return (
            len(first.body) > options.batch_bytes_max
            or first.kind in _LONE
            or (len(events) == 1 and self._spans_in(first) > options.batch_spans_max)
        )

    def _start_afresh(self) -> None:
        self._tariffs = Tariffs.restore(self._reader.get, self._catalog.state)
        self._periods = Periods(self._catalog.state(_PERIODS))
        self._settled = self._catalog.state(settled.STATE)
        self._open_afresh()

    def _open_afresh(self) -> None:
        self._open = OpenTraces()
        self._telemetry = Telemetry(
            self._catalog, self._open, self._decode, self._same_span, self._events.get, self._tariffs
        )
        self._listing = Listing(self._catalog, self._decode)

    def _post(self, events: Sequence[Event]) -> None:
        batch = Batch(events, Conversations(self._catalog), Metered(self._catalog), self._periods)
        for kind, part in _parts(events):
            if kind == kinds.OTLP_TRACES:
                self._telemetry.post(part, batch)
            elif kind == kinds.OTLP_LOGS:
                self._telemetry.post_logs(self._listing.post(kind, part, batch), batch)
            elif kind == kinds.OTLP_METRICS:
                self._telemetry.post_points(self._listing.post(kind, part, batch), batch)
            else:
                for event in part:
                    self._control(event, batch)
        self._catalog.commit(
            cursor=events[-1].event_seq,
            rows=batch.rows(),
            traces=batch.traces(),
            keys=batch.keys,
            active=batch.conversations.rows(),
            counters=batch.metered.counters,
            touched=batch.touched,
            state={
                **self._tariffs.states(),
                _PERIODS: self._periods.state(),
                settled.STATE: self._settled,
                _LAST: events[-1].raw_sha256,
            },
        )
        self._open.forget(self._options.open_spans_max, self._options.open_text_max)

    def _control(self, event: Event, batch: Batch) -> None:
        if event.key:
            if event.key in batch.keys or self._catalog.key_seq(event.key) is not None:
                batch.void(event.event_seq)
                return
            batch.keys[event.key] = event.event_seq
        effect = _EFFECTS.get(event.kind)
        if effect is not None:
            try:
                effect(self, event, batch)
            except (LedgerError, *DATA_ERRORS) as error:
                batch.add("quarantine", quarantined(event, str(error)))

    def _publish(self, event: Event, batch: Batch) -> None:
        book = PriceBook.parse(event.body)
        if not self._tariffs.books.knows(book):
            batch.add("prices", price_rows(book, event.event_seq))
        self._tariffs.books.publish(event.event_seq, book)
        row = (book.book_id, book.source, book.source_version, len(book.rows), event.received_ns, event.event_seq)
        batch.add("price_books", pa.table([[value] for value in row], schema=ARROW["price_books"]))

    def _override(self, event: Event, batch: Batch) -> None:
        batch.add("price_overrides", self._tariffs.overrides.add(event))

    def _configure(self, event: Event, batch: Batch) -> None:
        choice = read_choice(event.body)
        self._tariffs.cost_sources.choose(event.event_seq, choice)
        row = (choice.source, choice.policy, choice.reason, choice.author, event.received_ns, event.event_seq)
        batch.add("cost_sources", pa.table([[value] for value in row], schema=ARROW["cost_sources"]))

    def _rerate(self, event: Event, batch: Batch) -> None:
        order = read_order(event.body)
        post_order(event, order, self._catalog, self._tariffs, self._telemetry.views_of, batch)

    def _reconcile(self, event: Event, batch: Batch) -> None:
        batch.add("reconciliations", reconciliation_rows(event, read_reconciliation(event.body)))

    def _close(self, event: Event, batch: Batch) -> None:
        closing = read_closing(event.body)
        if event.received_ns < closing.ends_ns:
            raise Refused(f"{closing.month} has not ended: a month is closed once it is over")
        self._periods.close(event.event_seq, closing)
        row = (closing.month, closing.reason, closing.author, event.received_ns, event.event_seq)
        batch.add("periods", pa.table([[value] for value in row], schema=ARROW["periods"]))

    def _settle(self, event: Event, batch: Batch) -> None:
        settling, found = read_settling(event.body, event.event_seq), 0
        traces = self._catalog.unsettled(settling.from_seq, settling.through_seq, TRACES_MAX)
        for start in range(0, len(traces), TRACES_A_STEP):
            keys = trace_keys(traces[start : start + TRACES_A_STEP])
            found += self._telemetry.settle(event.event_seq, keys, found, batch)
            self._open.forget(self._options.open_spans_max, self._options.open_text_max)
        row = (settling.from_seq, settling.through_seq, event.received_ns, event.event_seq)
        stretches = settled.stretches(self._settled)
        self._settled = settled.after(stretches, settling.from_seq, settling.through_seq, event.event_seq)
        batch.add("settlings", pa.table([[value] for value in row], schema=ARROW["settlings"]))


_EFFECTS: Mapping[str, Callable[[Poster, Event, Batch], None]] = {
    kinds.PRICE_BOOK_PUBLISHED: Poster._publish,
    kinds.PRICE_OVERRIDE_SET: Poster._override,
    kinds.PRICE_OVERRIDE_REMOVED: Poster._override,
    kinds.CONFIG_SET: Poster._configure,
    kinds.RERATE_ORDERED: Poster._rerate,
    kinds.RECONCILIATION_RECORDED: Poster._reconcile,
    kinds.PERIOD_CLOSED: Poster._close,
    kinds.RUN_SETTLED: Poster._settle,
}
"""Control events that posting heeds. Others are only listed in `events`."""
_LONE = (kinds.RERATE_ORDERED, kinds.RUN_SETTLED)


def _up_to_lone(events: list[Event]) -> list[Event]:
    """`events` before the first that is posted alone, or that one: it goes by what is committed."""
    lone = [number for number, event in enumerate(events) if event.kind in _LONE]
    return events[: max(lone[0], 1)] if lone else events


def _parts(events: Sequence[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Runs of events of one kind, in order."""
    for kind, part in groupby(events, key=lambda event: event.kind):
        yield kind, list(part)

"""Histories of a journal on a simulated disk: a seeded workload, faults, restarts, and what must hold after them."""

import json
import random
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import LedgerError
from ledger.journal import kinds
from ledger.journal.append import JournalWriter
from ledger.journal.disk import Disk
from ledger.journal.file import file_numbers
from ledger.journal.frame import Draft, Event
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.journal.seal import seal_file
from ledger.paths import DataDir
from tests.ledger.journal.simdisk import PowerCut, SimDisk

DATA = DataDir(Path("/sim"))
SEED = (Draft(kinds.PRICE_BOOK_PUBLISHED, b"the first price book"),)
OPTIONS = JournalOptions(file_bytes_max=6_000, group_bytes_max=8_000, free_bytes_min=0, seal=False, software="test")


class SimClock:
    """Goes on by a millisecond a look, and now and then jumps back."""

    def __init__(self, seed: int = 0) -> None:
        self._ns, self._chance = 1_800_000_000_000_000_000, random.Random(seed)

    def now_ns(self) -> int:
        self._ns += 1_000_000 if self._chance.random() < 0.9 else -5_000_000_000
        return self._ns

    def monotonic_ns(self) -> int:
        return 0


class SimRng:
    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)

    def token_bytes(self, n: int) -> bytes:
        return self._chance.randbytes(n)


def open_writer(disk: Disk, seed: int = 0, options: JournalOptions = OPTIONS) -> JournalWriter:
    return JournalWriter.open(DATA, clock=SimClock(seed), rng=SimRng(seed), disk=disk, options=options, seed=SEED)


def submit_together(writer: JournalWriter, drafts: Sequence[Draft]) -> "list[Future[int]]":
    """Submit so that the writer takes them as one group, whatever the threads do: histories must repeat."""
    with writer._queue._changed:
        return [writer.submit(draft) for draft in drafts]


def read_all(disk: Disk, data: DataDir = DATA) -> list[Event]:
    events: list[Event] = []
    with JournalReader(data, disk) as reader:
        while batch := reader.read(len(events) - 1, events_max=7, bytes_max=5_000):
            events += batch
    return events


@dataclass
class History:
    """One seed's workload. `acked` is what the journal promised: number -> body."""

    seed: int
    disk: SimDisk
    acked: dict[int, bytes] = field(default_factory=dict)
    sent: set[bytes] = field(default_factory=set)
    failed: int = 0  # drafts refused retryably
    openings: int = 0
    written: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def live(self, groups: int) -> None:
        """Open, append `groups` groups, seal now and then, close. Ends early where the disk says so."""
        self.openings += 1
        with suppress(PowerCut, LedgerError):
            writer = open_writer(self.disk, self.seed * 1_000 + self.openings)
            try:
                for _ in range(groups):
                    self.append_group(writer)
                    if self.chance.random() < 0.15:
                        self.seal_some()
            finally:
                writer.close()

    def append_group(self, writer: JournalWriter) -> None:
        drafts = [self._draft() for _ in range(self.chance.randrange(1, 5))]
        self.sent.update(draft.body for draft in drafts)
        for draft, future in zip(drafts, submit_together(writer, drafts), strict=True):
            try:
                self.acked[future.result(timeout=20)] = draft.body
            except LedgerError:
                self.failed += 1

    def _draft(self) -> Draft:
        self.written += 1
        noise = self.chance.randbytes(self.chance.choice((0, 10, 400, 1_500, 3_000)))
        return Draft(kinds.OTLP_TRACES, f"{self.seed}/{self.written}:".encode() + noise, key="k" * (self.written % 3))

    def seal_some(self) -> None:
        numbers = file_numbers(self.disk, DATA.journal)
        if len(numbers) > 1:
            with suppress(OSError, LedgerError):
                seal_file(self.disk, DATA.journal, self.chance.choice(numbers[:-1]), level=1)

    def check(self) -> list[Event]:
        """Open the journal once more: everything acknowledged is there, and it is one row without a gap."""
        marked = JournalReader(DATA, self.disk).durable_seq()
        open_writer(self.disk, self.seed * 1_000 + 999).close()
        events = read_all(self.disk)
        self.check_row(events, marked)
        with JournalReader(DATA, self.disk) as reader:
            for seq in sorted(self.acked):
                assert reader.get(seq) == events[seq], f"seed {self.seed}: get({seq}) differs from read"
        return events

    def check_row(self, events: Sequence[Event], marked: int) -> None:
        where = f"seed {self.seed}"
        assert [event.event_seq for event in events] == list(range(len(events))), f"{where}: numbers have a gap"
        assert [event.kind for event in events[:2]] == [kinds.GENESIS, kinds.PRICE_BOOK_PUBLISHED], where
        lost = [seq for seq, body in self.acked.items() if seq >= len(events) or events[seq].body != body]
        assert lost == [], f"{where}: acknowledged events {lost} are lost"
        assert marked < len(events), f"{where}: the mark named event {marked}, there are {len(events)}"
        unknown = [e.event_seq for e in events[2:] if e.kind != kinds.RESTART and e.body not in self.sent]
        assert unknown == [], f"{where}: events {unknown} hold what nobody sent"
        told = [json.loads(e.body)["durable_events_lost"] for e in events if e.kind == kinds.RESTART]
        assert not any(told), f"{where}: restart events tell of lost durable events: {told}"
        times = [event.received_ns for event in events]
        assert times == sorted(times), f"{where}: received_ns goes back"

"""One history of the whole pipeline: clients, journal writer, sealing, poster, rebuild and readers in one process.

Everything follows from the seed: what is sent, what the disk does, when the machine goes off, and what is left.
"""

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.decode import decode, same_span
from ledger.errors import LedgerError
from ledger.journal.append import JournalWriter
from ledger.journal.file import file_numbers
from ledger.journal.options import JournalOptions
from ledger.journal.seal import seal_file
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.post.rebuild import rebuild
from ledger.store.options import StoreOptions
from queries.connect import connect
from tests.ledger.journal.history import SimRng, submit_together
from tests.ledger.journal.simdisk import PowerCut
from tests.sim import checker, faults
from tests.sim.beside import Beside
from tests.sim.clients import PUBLISHED, Clients, Request
from tests.sim.clock import JumpingClock
from tests.sim.database import connecting
from tests.sim.disk import MirroredDisk

JOURNAL = JournalOptions(file_bytes_max=6_000, group_bytes_max=16_000, free_bytes_min=0, seal=False, software="test")
STORE = StoreOptions(flush_rows=60, flush_age_s=30.0, replaced_keep_s=5.0, segment_fan_in=2, run_fan_in=2)
SURVIVABLE = (OSError, LedgerError, sqlite3.Error)
"""What an operation that failed may raise. Everything else is a bug."""


@dataclass(frozen=True)
class Shape:
    """How much happens in a history."""

    lives: int = 3
    acts: int = 14
    batches: tuple[int, ...] = (1, 3, 7, 50)


class History:
    def __init__(self, seed: int, root: Path, shape: Shape = Shape(), clock_jumps: bool = True) -> None:
        self.chance = random.Random(seed)
        self.seed, self.shape = seed, shape
        self.data = DataDir(root)
        self.disk = MirroredDisk(root, seed)
        self.clock = JumpingClock(random.Random(seed), odds=0.02 if clock_jumps else 0.0)
        self.clients = Clients(random.Random(seed))
        self.acked: dict[int, Request] = {}
        self.refused = self.lives = self.errors = 0
        self.writer: JournalWriter | None = None
        self.poster: Poster | None = None
        self.beside: Beside | None = None

    # --- a life -------------------------------------------------------------------------------------------------

    def live(self, acts: Sequence[str] | None = None, arm: Callable[[], None] = lambda: None) -> None:
        """Start the service, let things happen, end it in order; or less of it, where the disk says so.

        `arm` is called between the start and what happens then.
        """
        try:
            self.start()
            arm()
            for act in self._chosen() if acts is None else acts:
                self._do(act)
            self._end(self.poster)
        except PowerCut:  # or the poster's end as it starts or closes: then all ends with it
            assert self.disk.off or self.disk.poster_killed
        except SURVIVABLE:
            self.errors += 1
        finally:
            self.poster = None
            self._stop_writer()

    def _stop_writer(self) -> None:
        if self.writer is not None:
            with suppress(PowerCut):
                self.writer.close()
            self.writer = None

    def start(self) -> None:
        self.lives += 1
        rng = SimRng(self.seed * 1_000 + self.lives)
        self.writer = JournalWriter.open(
            self.data, clock=self.clock, rng=rng, disk=self.disk, options=JOURNAL, seed=[PUBLISHED]
        )
        self.poster = self._open_poster()

    def _open_poster(self) -> Poster:
        self.beside = Beside(self.disk, random.Random(self.chance.getrandbits(32)))
        return Poster(self.data, decode, same_span, options=self._poster_options(), merging=self.beside, **self.seams())

    def seams(self) -> dict[str, Any]:
        return {"clock": self.clock, "store_options": STORE, "disk": self.disk, "connect": connecting(self.disk)}

    def _poster_options(self) -> PosterOptions:
        return PosterOptions(
            batch_events_max=self.chance.choice(self.shape.batches), open_spans_max=self.chance.choice((1, 20, 10_000))
        )

    def _chosen(self) -> list[str]:
        names, weights = zip(*ACTS.items(), strict=True)
        return self.chance.choices(names, [weight for weight, _ in weights], k=self.shape.acts)

    def _do(self, act: str) -> None:
        try:
            ACTS[act][1](self)
        except PowerCut:
            if self.disk.off:
                raise
            self._drop_beside()
            self.disk.after_poster_kill()
            self._restart_poster()
        except SURVIVABLE:
            self.errors += 1
            if self.chance.random() < 0.5:  # as the service does; else as an import does, which goes on
                self._end(self.poster)
                self._restart_poster()

    def _drop_beside(self) -> None:
        """What is written beside posting ends with the poster's process."""
        if self.beside is not None:
            self.beside.drop()
            self.beside = None

    def _restart_poster(self) -> None:
        """As its supervisor does: again and again."""
        self.poster = None
        for _ in range(3):
            with suppress(*SURVIVABLE):
                self.poster = self._open_poster()
                return

    def _end(self, poster: Poster | None) -> None:
        """Close it as far as that goes. What it held is in the catalog or in the journal."""
        if poster is None:
            return
        try:
            poster.close()
        except SURVIVABLE:
            self.errors += 1

    # --- acts ---------------------------------------------------------------------------------------------------

    def send(self) -> None:
        assert self.writer is not None
        requests = [self.clients.next() for _ in range(self.chance.randrange(1, 4))]
        futures = submit_together(self.writer, [request.draft for request in requests])
        for request, future in zip(requests, futures, strict=True):
            try:
                self.acked[future.result(timeout=20)] = request
            except LedgerError:
                self.refused += 1
                self.clients.unacked.append(request)

    def seal(self) -> None:
        numbers = file_numbers(self.disk, self.data.journal)
        if len(numbers) > 1:
            seal_file(self.disk, self.data.journal, self.chance.choice(numbers[:-1]), level=1)

    def post(self) -> None:
        if self.poster is None:
            self._restart_poster()
        if self.poster is not None:
            self.poster.step()
            assert self.poster.cursor <= self._durable_seq(), f"seed {self.seed}: posted what is not durable"

    def _durable_seq(self) -> int:
        assert self.writer is not None
        return self.writer.stats().last_event_seq

    def look(self) -> None:
        """A reader comes: whatever state it finds, the money in it balances."""
        if self.poster is not None:
            with connect(self.data) as db:
                checker.check_balance(db, f"seed {self.seed}")

    def restart_poster(self) -> None:
        self._end(self.poster)
        self._restart_poster()

    def rebuild(self) -> None:
        self._end(self.poster)
        self.poster = None
        rebuild(self.data, decode, same_span, options=self._poster_options(), **self.seams())
        self._restart_poster()

    def wait(self) -> None:
        """Until rows are old enough to be flushed, and replaced files to be removed."""
        self.clock.wait(60)

    # --- crashes ------------------------------------------------------------------------------------------------

    def crash(self, power_cut: bool | None = None) -> None:
        """The machine loses power, or only the processes end; either where it is not said."""
        self._drop_beside()
        power_cut = self.chance.random() < 0.6 if power_cut is None else power_cut
        self.disk = self.disk.after_power_cut() if power_cut else self.disk.after_kill()

    def check(self) -> None:
        checker.check(self)


Act = Callable[[History], None]
ACTS: dict[str, tuple[float, Act]] = {
    "send": (10, History.send),
    "post": (8, History.post),
    "seal": (1.5, History.seal),
    "restart poster": (0.4, History.restart_poster),
    "look": (0.3, History.look),
    "rebuild": (0.15, History.rebuild),
    "wait": (0.3, History.wait),
}
"""Name -> how often, and what."""


def run(seed: int, root: Path, shape: Shape = Shape()) -> History:
    """Some lives, each ended somehow, and the proof after the last; what is cheap to prove is proved after each."""
    history = History(seed, root, shape)
    for _ in range(shape.lives):
        faults.choose(history.disk, history.chance)
        history.live()
        history.crash()
        checker.check_journal(history)
    history.check()
    return history

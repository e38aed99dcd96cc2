"""Appending from the command line: through the server that runs on DATA, else with writer and poster of our own.

Either way `settle` returns once the ledger's cursor has passed what was appended.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ledger.errors import LedgerError
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.seams import IN_STEP, SystemClock, SystemRng
from queries.progress import posted_seq
from spanledger.config import Config, make_data_directory
from spanledger.presence import running, wait_until

if TYPE_CHECKING:
    from ledger.post.poster import Poster

SETTLE_S = 600.0
"""Longest wait for a server's poster to catch up with what we appended."""

Progress = Callable[[int], None]


class Door(Protocol):
    """Where drafts go in."""

    def append(self, draft: Draft) -> int:
        """Number of the event, once it is durable."""
        ...

    @property
    def is_alone(self) -> bool:
        """Whether nobody else appends."""
        ...

    def settle(self, event_seq: int, progress: Progress) -> None:
        """Return once `event_seq` is posted; `progress` is told the cursor on the way."""
        ...


@contextmanager
def door(config: Config) -> Iterator[Door]:
    """The server's door while one runs on DATA, else our own. Raises Locked when something else holds it."""
    if running(config.data.serve_json) is not None:
        from ingest.control import ControlClient

        yield ServersDoor(config.data, ControlClient(config.data.control_socket).append)
        return
    own = OwnDoor(config)
    try:
        yield own
    finally:
        own.close()


class ServersDoor:
    """Appends over the control socket; the server's poster posts."""

    is_alone = False

    def __init__(self, data: DataDir, append: Callable[[Draft], int]) -> None:
        self._data, self._append = data, append

    def append(self, draft: Draft) -> int:
        return self._append(draft)

    def settle(self, event_seq: int, progress: Progress) -> None:
        def passed() -> bool:
            cursor = posted_seq(self._data)
            progress(cursor)
            return cursor >= event_seq

        if not wait_until(passed, SETTLE_S):
            raise LedgerError(
                f"event {event_seq} is durable, but the server's poster is at {posted_seq(self._data)} "
                f"after {SETTLE_S:.0f} s; the server's log says why"
            )


class OwnDoor:
    """Writer and poster in this process, under the locks of the data directory."""

    is_alone = True

    def __init__(self, config: Config) -> None:
        from ledger.journal.append import JournalWriter
        from spanledger.parts import options
        from spanledger.seed import price_book_seed

        make_data_directory(config.data)
        journal_options = options(config, "journal")
        self._journal = JournalWriter.open(
            config.data, clock=SystemClock(), rng=SystemRng(), options=journal_options, seed=[price_book_seed()]
        )
        try:
            self._poster = open_poster(config)
        except BaseException:
            self._journal.close()
            raise

    def append(self, draft: Draft) -> int:
        return self._journal.append(draft)

    def settle(self, event_seq: int, progress: Progress) -> None:
        while self._poster.cursor < event_seq and self._poster.step():
            progress(self._poster.cursor)
        if self._poster.cursor < event_seq:
            raise LedgerError(f"event {event_seq} is durable, but posting stopped at {self._poster.cursor}")

    def close(self) -> None:
        self._poster.close()
        self._journal.close()


def open_poster(config: Config, merging: Executor = IN_STEP) -> "Poster":
    """A poster on the data directory, with the decoder of this program. Takes the poster's lock.

    `merging`: where merged files are written (ledger/store/merger.py)."""
    from ingest.decode import decode, same_span, spans_in
    from ledger.post.poster import Poster
    from spanledger.parts import options

    return Poster(
        config.data,
        decode,
        same_span,
        clock=SystemClock(),
        options=options(config, "poster"),
        store_options=options(config, "store"),
        spans_in=spans_in,
        merging=merging,
    )

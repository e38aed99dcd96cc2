"""The poster process: posts what the collector has made durable, at its own pace, niced so that acks win.

A full disk, a failing one, a damaged file: it says so, pauses, and tries again for as long as the service runs, so that
posting goes on by itself once the cause is gone. Acks and answers never wait for it (docs/adr/0013).
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ledger.errors import LedgerError
from ledger.journal.read import JournalReader
from spanledger.appending import open_poster
from spanledger.parts import options
from spanledger.processes.child import Child, run
from spanledger.processes.memory import trim_if_large
from spanledger.processes.settler import Settler

if TYPE_CHECKING:
    from ledger.post.poster import Poster

T = TypeVar("T")

NICE = 10
"""An ack must not wait for a posting when both want the same core."""
POLL_S = 0.02
"""Pause before looking at the durable mark again; a fiftieth of the second in which a span must be visible."""
RETRY_S = 0.5
"""Pause after an error of the disk: a quarter of the 2 s in which posting goes on once there is room."""
RETRY_DAMAGED_S = 5.0
"""Pause after anything that only a person mends, such as a damaged file."""
TELL_S = 60.0
"""A line a minute is seen and fills no disk."""

log = logging.getLogger(__name__)


class Persistence:
    """Does things again until they work; tells of trouble as it begins, once a minute after that, and as it ends."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._told_s: float | None = None

    def tried(self, attempt: Callable[[], T]) -> T | None:
        """What `attempt` returns; None where it failed, after a pause."""
        try:
            done = attempt()
        except (OSError, sqlite3.Error, LedgerError) as error:
            self._tell(error)
            self._child.stop.wait(RETRY_DAMAGED_S if isinstance(error, LedgerError) else RETRY_S)
            return None
        if self._told_s is not None:
            self._told_s = None
            log.warning("posting goes on")
        return done

    def _tell(self, error: Exception) -> None:
        now_s = time.monotonic()
        if self._told_s is None or now_s - self._told_s >= TELL_S:
            self._told_s = now_s
            log.error("posting waits, acks and answers go on: %s", error)


def main(child: Child) -> None:
    os.nice(NICE)
    persistence, poster = Persistence(child), None
    with ThreadPoolExecutor(1, "merge") as merging:
        while poster is None and not child.stop.is_set():
            poster = persistence.tried(lambda: open_poster(child.config, merging))
            child.ready()  # also where it has to wait: what is acked is in the journal and can be posted at any time
        if poster is not None:
            _post(child, poster, persistence)


def _post(child: Child, poster: "Poster", persistence: Persistence) -> None:
    from ingest.control import ControlClient

    reader, control = JournalReader(child.config.data), ControlClient(child.config.data.control_socket)
    settler = Settler(control.append, options(child.config, "settler"))

    def turn() -> None:
        posted = poster.step()
        settler.turn(poster.cursor, poster.told_seq, poster.is_left, time.monotonic())
        if not posted:
            _wait(child, reader, poster.cursor)

    try:
        while not child.stop.is_set():
            persistence.tried(turn)
            trim_if_large()
    finally:
        reader.close()
        control.close()
        persistence.tried(poster.close)  # rows that cannot be written to files now are safe in the catalog


def _wait(child: Child, reader: JournalReader, cursor: int) -> None:
    """Until there is more to post, or half a second for the poster's own housekeeping."""
    for _ in range(25):
        if child.stop.wait(POLL_S) or reader.durable_seq() > cursor:
            return


if __name__ == "__main__":
    run("poster", main)

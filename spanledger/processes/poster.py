"""The poster process: posts what the collector has made durable, at its own pace, niced so that acks win."""

import os

from ledger.journal.read import JournalReader
from spanledger.appending import open_poster
from spanledger.processes.child import Child, run

NICE = 10
"""An ack must not wait for a posting when both want the same core."""
POLL_S = 0.02
"""Pause before looking at the durable mark again; a fiftieth of the second in which a span must be visible."""


def main(child: Child) -> None:
    os.nice(NICE)
    poster = open_poster(child.config)
    reader = JournalReader(child.config.data)
    child.ready()
    try:
        while not child.stop.is_set():
            if not poster.step():
                _wait(child, reader, poster.cursor)
    finally:
        reader.close()
        poster.close()


def _wait(child: Child, reader: JournalReader, cursor: int) -> None:
    """Until there is more to post, or half a second for the poster's own housekeeping."""
    for _ in range(25):
        if child.stop.wait(POLL_S) or reader.durable_seq() > cursor:
            return


if __name__ == "__main__":
    run("poster", main)

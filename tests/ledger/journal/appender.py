"""A process that appends for ever and prints each number once it is acknowledged; for tests that end it.

`python -m tests.ledger.journal.appender DIRECTORY WORD [no-sync]`; with `no-sync` it breaks its promise.
"""

import subprocess
import sys
import threading
from pathlib import Path

from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX, PosixFile
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
from tests.ledger.journal.history import read_all

ROOT = Path(__file__).parents[3]
THREADS = 4


def main(root: Path, word: str, *flags: str) -> None:
    if "no-sync" in flags:
        PosixFile.sync = lambda self: None  # type: ignore[method-assign]
    options = JournalOptions(file_bytes_max=100_000)
    writer = JournalWriter.open(DataDir(root), clock=SystemClock(), rng=SystemRng(), options=options)
    told = threading.Lock()

    def append_for_ever(thread: int) -> None:
        n = 0
        while True:
            n += 1
            body = f"{word}/{thread}/{n}:".encode()
            seq = writer.append(Draft("otlp.traces", body + b"x" * (n * 37 % 3000)))
            with told:
                print(seq, body.decode(), flush=True)

    for thread in range(THREADS):
        threading.Thread(target=append_for_ever, args=(thread,), daemon=True).start()
    threading.Event().wait()


def start(root: Path, word: str, *flags: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", __name__, str(root), word, *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def acks(lines: list[bytes]) -> dict[int, bytes]:
    return {int(seq): body for seq, body in (line.split() for line in lines if line.endswith(b"\n"))}


def lost(data: DataDir, acked: dict[int, bytes]) -> list[int]:
    """Open the journal after the end of its process; the acknowledged events that are not in it."""
    JournalWriter.open(data, clock=SystemClock(), rng=SystemRng()).close()
    events = read_all(POSIX, data)
    assert [event.event_seq for event in events] == list(range(len(events)))
    return [seq for seq, body in acked.items() if seq >= len(events) or not events[seq].body.startswith(body)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

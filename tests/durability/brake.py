"""A disk that is slow, stuck or full when it is told to be, and a collector on such a disk in a process of its own."""

import errno
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ingest.collector import Collector, CollectorOptions
from ledger.journal.append import JournalWriter
from ledger.journal.disk import File, PosixDisk, PosixFile
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
from spanledger.seed import price_book_seed

SYNC_S = 0.02
"""What every sync of a slow disk takes at least."""


class Brake:
    """What the disk does now. `touched` is set once something met the brake."""

    def __init__(self, bytes_per_s: float = float("inf")) -> None:
        self.bytes_per_s = bytes_per_s
        self.stuck = self.full = False
        self.released = threading.Event()
        self.touched = threading.Event()

    def pull(self, how: str) -> None:
        assert how in ("stuck", "full")
        self.released.clear()
        self.touched.clear()
        setattr(self, how, True)

    def release(self) -> None:
        self.stuck = self.full = False
        self.released.set()

    def write(self) -> None:
        if self.full:
            self.touched.set()
            raise OSError(errno.ENOSPC, "No space left on device")

    def sync(self, unsynced_bytes: int) -> None:
        if unsynced_bytes and self.bytes_per_s < float("inf"):
            time.sleep(SYNC_S + unsynced_bytes / self.bytes_per_s)
        if self.stuck:
            self.touched.set()
            self.released.wait()


class BrakedFile(PosixFile):
    def __init__(self, path: Path, brake: Brake) -> None:
        super().__init__(path)
        self.brake, self.unsynced_bytes = brake, 0

    def write(self, parts: Sequence[bytes]) -> None:
        self.brake.write()
        self.unsynced_bytes += sum(map(len, parts))
        super().write(parts)

    def sync(self) -> None:
        self.brake.sync(self.unsynced_bytes)
        self.unsynced_bytes = 0
        super().sync()


class BrakedDisk(PosixDisk):
    def __init__(self, brake: Brake) -> None:
        self.brake = brake

    def open_append(self, path: Path) -> File:
        return BrakedFile(path, self.brake)


def main(root: str, bytes_per_s: str, options: str) -> None:
    """A collector on a disk of that speed, until standard input ends; its addresses go to standard output."""
    data, clock = DataDir(Path(root)), SystemClock()
    disk = BrakedDisk(Brake(float(bytes_per_s)))
    with JournalWriter.open(data, clock=clock, rng=SystemRng(), disk=disk, seed=[price_book_seed()]) as journal:
        anywhere = CollectorOptions(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0", **json.loads(options))
        collector = Collector(data, anywhere, journal, clock=clock)
        addresses = collector.start()
        print(addresses.otlp_grpc, addresses.otlp_http, flush=True)
        sys.stdin.read()
        collector.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

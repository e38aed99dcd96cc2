"""The whole service as its users run it, in a directory of its own, for benchmarks that look at it from outside."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.facts import ROOT
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.store.snapshot import Snapshot

START_S = 120.0
LISTEN = ("--otlp-grpc=127.0.0.1:0", "--otlp-http=127.0.0.1:0", "--api=127.0.0.1:0")


@dataclass(frozen=True)
class Served:
    """A running service: where it answers, its files, and its processes by name."""

    grpc: str
    http: str
    data: DataDir
    processes: dict[str, psutil.Process]

    def posts(self, timeout_s: float) -> bool:
        """Whether all that is durable now is posted within `timeout_s`."""
        with JournalReader(self.data) as reader:
            last = reader.durable_seq()
        return wait(lambda: Snapshot.take(self.data).cursor >= last, timeout_s)


@contextmanager
def served() -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:
        ready, log = Path(folder) / "ready.json", Path(folder) / "log"
        command = [sys.executable, "-m", "spanledger", "serve", f"--data={folder}/data", f"--ready-file={ready}"]
        with log.open("wb") as out, subprocess.Popen([*command, *LISTEN], cwd=ROOT, stdout=out, stderr=out) as process:
            try:
                assert wait(ready.exists, START_S), log.read_text()
                where = json.loads(ready.read_text())
                children = psutil.Process(process.pid).children()
                names = {child: child.cmdline()[-1].rpartition(".")[2] for child in children}
                by_name = {name: child for child, name in names.items()}
                yield Served(where["otlp_grpc"], where["otlp_http"], DataDir(Path(folder) / "data"), by_name)
            finally:
                process.terminate()
                process.wait()


def wait(look: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `look` comes true in time."""
    deadline = time.monotonic() + timeout_s
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

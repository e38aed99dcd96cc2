"""The service as its users start it, for benchmarks: `spanledger serve` on free ports of the loopback."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.facts import ROOT

START_S = 60.0
STOP_S = 30.0


@dataclass(frozen=True)
class Service:
    """Where it listens, and how long after its start all three ports answered."""

    otlp_grpc: str
    api: str
    pid: int
    start_s: float

    def peak_mib(self) -> float:
        """Most resident memory of collector and poster together, MiB: the sum of their peaks."""
        peaks = {name: peak_mib(pid) for pid, name in children(self.pid)}
        return sum(peak for name, peak in peaks.items() if name in ("collector", "poster"))


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """A service on `folder`/data until the block ends."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    ports = [f"--{name}=127.0.0.1:0" for name in ("otlp-grpc", "otlp-http", "api")]
    command = [sys.executable, "-m", "spanledger", "serve", "--data", str(folder / "data"), "--ready-file", str(ready)]
    began = time.monotonic()
    with (
        (folder / "serve.log").open("ab") as log,
        subprocess.Popen([*command, *ports], cwd=ROOT, stdout=log, stderr=log) as process,
    ):
        try:
            while not ready.exists():
                if process.poll() is not None or time.monotonic() - began > START_S:
                    raise SystemExit(f"serve did not start:\n{(folder / 'serve.log').read_text()[-2_000:]}")
                time.sleep(0.005)
            start_s = time.monotonic() - began
            facts = json.loads(ready.read_text())
            yield Service(facts["otlp_grpc"], facts["api"], process.pid, start_s)
        finally:
            process.terminate()
            process.wait(timeout=STOP_S)


def children(pid: int) -> list[tuple[int, str]]:
    """(process id, last word of its module) of the processes under the supervisor `pid`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_text().split("\0")
        except (OSError, ValueError):
            continue
        if parent == pid and "-m" in words:
            found.append((int(entry.name), words[words.index("-m") + 1].rpartition(".")[2]))
    return found


def peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

"""The real service as a process of its own, on free ports: what `demo` shows and `doctor` tries."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ledger.errors import LedgerError
from spanledger.presence import wait_until

START_S = 30.0
"""Longest wait for all ports to answer; a start takes about 1.5 s on an idle machine."""
STOP_S = 10.0

FREE_PORTS = ("--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--api", "127.0.0.1:0")


@dataclass(frozen=True)
class Service:
    """A running service."""

    data: Path
    otlp_grpc: str
    otlp_http: str
    api: str
    process: subprocess.Popen[bytes]


@contextmanager
def service(data: Path) -> Iterator[Service]:
    """Run `spanledger serve` on `data`, on free ports, until the block ends."""
    ready = data / "run" / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "spanledger", "serve", "--data", str(data), *FREE_PORTS]
    command += ["--ready-file", str(ready)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        try:
            wait_until(lambda: ready.is_file() or process.poll() is not None, START_S)
            if not ready.is_file():
                raise LedgerError(f"the service did not start: {_last_words(log)}")
            facts = json.loads(ready.read_text())
            yield Service(data, facts["otlp_grpc"], facts["otlp_http"], facts["api"], process)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"

"""The whole program as its users run it: `spanledger serve` in a process group of its own, on ports of the loopback."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")
PROGRAM = str(Path(sys.executable).with_name("spanledger"))
SERVERS = ("otlp-grpc", "otlp-http", "api")
START_S = 30.0
"""How long a start may take before the test gives up; the promise itself is asserted where it is tested."""


def until(look: Callable[[], T], timeout_s: float, what: str) -> T:
    """The first true value of `look`, asked every 10 ms."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {timeout_s} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """One data directory and the program that serves it; the ports stay the same over restarts, as a user's do."""

    data: Path
    log: Path
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("otlp-grpc", "otlp-http", "api")}
    )
    process: subprocess.Popen[bytes] | None = None

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.ports['otlp-grpc']}"

    @property
    def http(self) -> str:
        return f"127.0.0.1:{self.ports['otlp-http']}"

    @property
    def api(self) -> str:
        return f"127.0.0.1:{self.ports['api']}"

    def launch(self) -> None:
        """Starts it and returns at once."""
        ready = self.data.parent / "ready.json"
        ready.unlink(missing_ok=True)
        hosts = [f"--{name}=127.0.0.1:{port}" for name, port in self.ports.items()]
        command = [
            sys.executable,
            "-m",
            "spanledger",
            "serve",
            "--data",
            str(self.data),
            "--ready-file",
            str(ready),
            *hosts,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def start(self) -> float:
        """Starts it; seconds until the OTLP ports answer and the ready file is there."""
        began = time.monotonic()
        self.launch()
        until(self.answers, START_S, f"serve is not ready; its log:\n{self.log.read_text()[-2000:]}")
        seconds = time.monotonic() - began
        until(self.is_ready, START_S, "no ready file")
        return seconds

    def answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        return all(connects(self.ports[name]) for name in ("otlp-grpc", "otlp-http"))

    def is_ready(self) -> bool:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return bool(json.loads((self.data.parent / "ready.json").read_text())["pid"])
        return False

    def kill(self) -> None:
        """SIGKILL to every process of the group at once, as a power cut would; waits until none is left."""
        assert self.process is not None
        members = self.members()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(members, timeout=10)

    def members(self) -> list[psutil.Process]:
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self.process.pid)
            return [leader, *leader.children(recursive=True)]
        return []

    def terminate(self) -> tuple[int, float]:
        """SIGTERM to the supervisor; its exit code and the seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        return code, time.monotonic() - began

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


def connects(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False


def healthy(address: str) -> bool:
    """Whether the API answers; its port alone says nothing, the supervisor holds that open."""
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(address, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        finally:
            connection.close()
    return False


@contextmanager
def service(root: Path) -> Iterator[Service]:
    """A service on `root`/data, not yet started; ended, whatever happens."""
    one = Service(root / "data", root / "serve.log")
    try:
        yield one
    finally:
        one.close()

"""The whole program as its users run it: `spanledger serve` in a process group of its own, on ports of the loopback."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")
PROGRAM = str(Path(sys.executable).with_name("spanledger"))
PROCESSES = ("collector", "poster", "api")
SERVERS = ("otlp-grpc", "otlp-http", "api")
BUSY_LOAD = 2.0
"""Runnable processes for each core, above which a duration says more about the others than about the service."""
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
    """One data directory and the program that serves it; the ports stay the same over restarts, as a user's do.

    `settings` are configuration keys; `environment` and `before` (a command that runs the program, such as strace) are
    how a test gets between the program and its kernel.
    """

    data: Path
    log: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()
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
        self.ready_file.unlink(missing_ok=True)
        hosts = [f"--{name}=127.0.0.1:{port}" for name, port in self.ports.items()]
        command = [
            *self.before,
            sys.executable,
            "-m",
            "spanledger",
            "serve",
            "--data",
            str(self.data),
            "--ready-file",
            str(self.ready_file),
            *hosts,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, env=self._environment()
            )

    def _environment(self) -> dict[str, str]:
        keys = {f"SPANLEDGER_{key.replace('.', '__').upper()}": str(value) for key, value in self.settings.items()}
        return {**os.environ, **keys, **self.environment}

    @property
    def ready_file(self) -> Path:
        """Beside the log, not beside the data: that disk may be full or gone."""
        return self.log.with_name("ready.json")

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
            return bool(json.loads(self.ready_file.read_text())["pid"])
        return False

    def kill(self) -> None:
        """SIGKILL to every process of the group at once, as a power cut would; waits until none is left."""
        assert self.process is not None
        members = self.members()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not any(map(holds_anything, members)), 20, "killed, and still there")

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

    def children(self) -> dict[str, psutil.Process]:
        """The processes under the supervisor, by name."""
        found = {}
        for process in self.members()[1:]:
            with suppress(psutil.NoSuchProcess):  # a zombie, or gone since
                module = next((word for word in process.cmdline() if word.startswith("spanledger.processes.")), "")
                found[module.rpartition(".")[2]] = process
        return {name: found[name] for name in PROCESSES if name in found}

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


def holds_anything(process: psutil.Process) -> bool:
    """Whether it may still hold files, locks or ports. Its own parent is gone, so it may stay a zombie for a while."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE or len(process.threads()) > 1
    except psutil.NoSuchProcess:
        return False


def in_time(what: str, took_s: float, bound_s: float) -> None:
    """Judge a duration, unless others use the processor as well: then it says so and judges nothing."""
    load = os.getloadavg()[0]
    if load > BUSY_LOAD * (os.cpu_count() or 1):
        print(f"{what} took {took_s:.2f} s, not judged: the machine is busy with other things (load {load:.0f})")
        return
    assert took_s <= bound_s, f"{what} took {took_s:.2f} s, at most {bound_s} s are promised"


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
def service(root: Path, data: Path | None = None, **more: Any) -> Iterator[Service]:
    """A service on `data` (`root`/data), not yet started; ended, whatever happens. `more`: fields of Service."""
    one = Service(data or root / "data", root / "serve.log", **more)
    try:
        yield one
    finally:
        one.close()

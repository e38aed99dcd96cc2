"""The supervisor: starts collector, API and poster, restarts one that dies, and ends them together.

Guarantees: the collector comes first and waits for nobody; a crash of one process touches no other; when the
supervisor dies, even by SIGKILL, they die with it; SIGTERM drains and ends in good order within STOP_S.
It imports nothing heavy: it must be there before the processes that it starts.
"""

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ingest.addresses import Address
from ledger.errors import LedgerError
from spanledger.config import Config, make_data_directory
from spanledger.presence import write_atomic
from spanledger.processes import memory

STOP_S = 2.8
"""From the word to stop to the end of the last process: under the 3 s that are promised."""
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses before restarts of one process: exporters live through 7 s without the collector, so the first are short."""
STEADY_S = 30.0
"""A process that ran this long starts again at the first pause."""
LEAVE_AGAIN_S = 1.0
"""Pause before the addresses are written again, where the disk had no room for them."""

FLAGS = {"listen.otlp_grpc": "--otlp-grpc", "listen.otlp_http": "--otlp-http", "listen.api": "--api"}

log = logging.getLogger(__name__)


@dataclass
class Running:
    """One process under the supervisor."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    failures: int = 0
    restart_at_s: float | None = None
    ready: dict[str, str] | None = None


@dataclass
class Supervisor:
    """Runs the service described by `config` until told to stop. `on_ready` is called once all answer."""

    config: Config
    on_ready: Callable[[dict[str, object]], None]
    children: dict[str, Running] = field(default_factory=dict)
    announced: bool = False
    leave_at_s: float | None = None
    failed: str | None = None

    def run(self) -> int:
        """Exit code: 0 after an orderly stop. Raises LedgerError where the start failed."""
        make_data_directory(self.config.data)
        self.values, self.origins = dict(self.config.values), dict(self.config.origins)
        self.api_sockets = self._claim_ports()
        self.selector = selectors.DefaultSelector()
        self._hear_signals()
        self._start("collector")
        self._start("api")
        try:
            while not self.stopping and self.failed is None:
                self._turn()
        finally:
            clean = self._stop()
        if self.failed is not None:
            raise LedgerError(self.failed)
        return 0 if clean else 1

    def _claim_ports(self) -> list[socket.socket]:
        """Refuse a taken port before anything runs; the API's stays open for its process."""
        wanted = {key: Address.parse(str(self.values[key]), flag) for key, flag in FLAGS.items()}
        for address in wanted.values():
            address.check(self.values["listen.insecure"] is True)
        for key in ("listen.otlp_grpc", "listen.otlp_http"):
            for claimed in wanted[key].bind():
                claimed.close()
        api = wanted["listen.api"].bind()
        self.values["listen.api"] = str(wanted["listen.api"].at(api[0].getsockname()[1]))
        return api

    def _hear_signals(self) -> None:
        self.stopping = False
        hear, tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: os.write(tell, b"s"))
        self.selector.register(hear, selectors.EVENT_READ, None)

    def _start(self, name: str) -> None:
        child = self.children.setdefault(name, Running(name))
        fds = tuple(listener.fileno() for listener in self.api_sockets) if name == "api" else ()
        child.process = subprocess.Popen(
            [sys.executable, "-m", f"spanledger.processes.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
            bufsize=0,
            env={**(memory.ENVIRONMENT if name == "poster" else {}), **os.environ},
        )
        child.started_s, child.restart_at_s, child.ready = time.monotonic(), None, None
        values = {key: _plain(value) for key, value in self.values.items()}
        orders = {"data": str(self.config.data.root), "values": values, "origins": self.origins, "fds": fds}
        assert child.process.stdin is not None
        assert child.process.stdout is not None
        self.selector.register(child.process.stdout, selectors.EVENT_READ, child)
        try:
            child.process.stdin.write(json.dumps(orders).encode() + b"\n")
            child.process.stdin.flush()  # and left open: it is the lifeline
        except BrokenPipeError:
            log.error("%s ended before it took its orders", name)

    def _turn(self) -> None:
        """Wait for a signal, a report, a death, or the time of a restart."""
        due = [
            at_s for at_s in (self.leave_at_s, *(c.restart_at_s for c in self.children.values())) if at_s is not None
        ]
        timeout_s = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in self.selector.select(timeout_s):
            if key.data is None:
                self.stopping = True
            else:
                self._read(key.data)
        for child in self.children.values():
            if child.restart_at_s is not None and child.restart_at_s <= time.monotonic():
                self._start(child.name)
        if self.leave_at_s is not None and self.leave_at_s <= time.monotonic():
            self._leave_addresses()

    def _read(self, child: Running) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        line = child.process.stdout.readline()
        if not line:
            self._ended(child)
            return
        told = _told(child, line)
        if "failed" in told and not self.announced:
            self.failed = f"{child.name}: {told['failed']}"
        if "ready" in told:
            self._is_ready(child, told["ready"])

    def _is_ready(self, child: Running, facts: dict[str, str]) -> None:
        child.ready = facts
        for name, address in facts.items():  # port 0 stays what it became
            self.values[f"listen.{name}"], self.origins[f"listen.{name}"] = address, child.name
        if child.name == "collector" and "poster" not in self.children:
            self._start("poster")
        if not self.announced and len(self.children) == 3 and all(c.ready is not None for c in self.children.values()):
            self.announced = True
            self._announce()

    def _announce(self) -> None:
        self._leave_addresses()
        self.on_ready(self._facts())

    def _facts(self) -> dict[str, object]:
        return {**{key.removeprefix("listen."): self.values[key] for key in FLAGS}, "pid": os.getpid()}

    def _leave_addresses(self) -> None:
        """Where commands look for them. A full disk is no reason to end: it is tried again until there is room."""
        try:
            write_atomic(self.config.data.serve_json, self._facts())
            self.leave_at_s = None
        except OSError as error:
            if self.leave_at_s is None:
                log.error("commands do not find this service until its addresses can be written: %s", error)
            self.leave_at_s = time.monotonic() + LEAVE_AGAIN_S

    def _ended(self, child: Running) -> None:
        """A process died: after the start it is restarted, before it the start has failed."""
        assert child.process is not None
        code = child.process.wait()
        self._forget(child)
        if self.stopping:
            return
        if not self.announced:
            self.failed = (
                self.failed or f"{child.name} ended with code {code} before it answered; the lines above say why"
            )
            return
        if time.monotonic() - child.started_s > STEADY_S:
            child.failures = 0
        pause_s = BACKOFF_S[min(child.failures, len(BACKOFF_S) - 1)]
        child.failures += 1
        child.restart_at_s = time.monotonic() + pause_s
        log.error("%s ended with code %s; restarted in %.1f s", child.name, code, pause_s)

    def _forget(self, child: Running) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        assert child.process.stdin is not None
        self.selector.unregister(child.process.stdout)
        child.process.stdout.close()
        try:
            child.process.stdin.close()
        except BrokenPipeError:
            log.debug("%s left orders unread", child.name)
        child.process = None

    def _stop(self) -> bool:
        """Ask all to drain, wait until STOP_S, end the rest. True if all left in good order."""
        self.stopping = True
        deadline_s = time.monotonic() + STOP_S
        alive = [child for child in self.children.values() if child.process is not None]
        for child in alive:
            _signal(child, signal.SIGTERM)
        left = [_left(child, deadline_s) for child in alive]
        for child in alive:
            self._forget(child)
        self.selector.close()
        for listener in self.api_sockets:
            listener.close()
        if self.announced:
            self.config.data.serve_json.unlink(missing_ok=True)
        return all(left)


def _signal(child: Running, number: signal.Signals) -> None:
    assert child.process is not None
    if child.process.poll() is None:
        child.process.send_signal(number)


def _left(child: Running, deadline_s: float) -> bool:
    assert child.process is not None
    try:
        code = child.process.wait(max(0.0, deadline_s - time.monotonic()))
        return code in (0, -signal.SIGTERM)  # by the signal itself: it came before the child could listen for it
    except subprocess.TimeoutExpired:
        log.warning("%s did not drain in %.1f s and is ended; what was acked is durable", child.name, STOP_S)
        child.process.kill()
        child.process.wait()
        return True


def _told(child: Running, line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        log.warning("%s wrote %r where its report belongs", child.name, line[:200])
        return {}
    return told


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | tuple) else str(value)

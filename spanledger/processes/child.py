"""What every process of the service shares: its orders, its report, and dying with the supervisor.

stdin is the lifeline: the first line is the orders (JSON), and its end means that the supervisor is gone, however it
died. stdout carries one JSON line, the report. On Linux the kernel also sends SIGTERM when the parent dies.
"""

import ctypes
import json
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ledger.errors import LedgerError
from ledger.paths import DataDir
from spanledger.config import Config
from spanledger.logs import configure

PR_SET_PDEATHSIG = 1
"""linux/prctl.h."""
ORPHAN_S = 3.0
"""An orphan that has not drained by then is ended: what was acked is durable already."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Child:
    """This process: its configuration, descriptors it was handed, and the word to stop."""

    config: Config
    fds: tuple[int, ...]
    stop: threading.Event

    def ready(self, **facts: str) -> None:
        """Tell the supervisor that this process answers, with its addresses."""
        report({"ready": facts})


def report(line: dict[str, object]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def run(name: str, body: Callable[[Child], None]) -> None:
    """Take the orders, run `body` until it returns, and leave. An error the user can act on is reported in words."""
    configure(name)
    orders = json.loads(sys.stdin.buffer.readline())
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in orders["values"].items()}
    config = Config(DataDir(Path(orders["data"])), None, MappingProxyType(values), MappingProxyType(orders["origins"]))
    child = Child(config, tuple(orders["fds"]), threading.Event())
    _listen_for_the_end(child.stop)
    try:
        body(child)
    except (LedgerError, OSError) as error:
        report({"failed": str(error)})
        log.error("%s", error)
        sys.exit(1)


def _listen_for_the_end(stop: threading.Event) -> None:
    """Signals and the lifeline end in one event. A handler may only write: Event.set in it can deadlock."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the supervisor decides
    hear, tell = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"t"))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_wait_for_the_end, args=(stop, hear), name="lifeline", daemon=True).start()


def _wait_for_the_end(stop: threading.Event, hear: int) -> None:
    lifeline = sys.stdin.fileno()
    readable, _, _ = select.select([lifeline, hear], [], [])
    stop.set()
    if lifeline not in readable:
        select.select([lifeline], [], [])  # the supervisor gives the time to drain as long as it lives
    threading.Event().wait(ORPHAN_S)
    os._exit(1)

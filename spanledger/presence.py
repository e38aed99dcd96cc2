"""Whether a server runs on a data directory, and the file by which it says so."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def write_atomic(path: Path, facts: dict[str, object]) -> None:
    """Write JSON so that a reader sees all of it or nothing."""
    write_text(path, json.dumps(facts) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text)
    aside.replace(path)


def running(serve_json: Path) -> dict[str, object] | None:
    """What a live server on this data directory says about itself, None if there is none."""
    try:
        facts: dict[str, object] = json.loads(serve_json.read_text())
        pid = int(str(facts["pid"]))
        os.kill(pid, 0)
    except PermissionError:
        return facts  # it lives, as another user
    except (OSError, ValueError, KeyError):
        return None
    return facts if _is_ours(pid) else None


def _is_ours(pid: int) -> bool:
    """After a crash the number may have gone to another program; where /proc is missing it is believed."""
    words = Path(f"/proc/{pid}/cmdline")
    return not words.exists() or b"spanledger" in words.read_bytes()


def wait_until(test: Callable[[], bool], timeout_s: float, pauses_s: Sequence[float] = (0.02, 0.05, 0.1)) -> bool:
    """Ask `test` until it holds or `timeout_s` is over; pauses grow to the last of `pauses_s`."""
    deadline_s = time.monotonic() + timeout_s
    turn = 0
    while not test():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(pauses_s[min(turn, len(pauses_s) - 1)])
        turn += 1
    return True

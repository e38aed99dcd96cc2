"""Faults of single system calls in a running process: strace attaches, makes some of them fail or wait, and lets go."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.service import until

needs_strace = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("strace"), reason="needs root and strace (apt-get install strace)"
)

CALL = re.compile(r"\b(\w+)\((?:\d+|AT_FDCWD)<(.*?)>")
REMOVAL = re.compile(r"\b(unlink)\(\"(.*?)\"")


@dataclass(frozen=True)
class Call:
    """One call of the kind that is injected, its file, and whether a fault hit it."""

    name: str
    path: str
    hit: bool


@contextmanager
def faults(log: Path, rule: str, *processes: psutil.Process) -> Iterator[None]:
    """`rule`, as in strace(1), -e inject=RULE, is in force in these processes and all their threads within the block.

    `log` holds a line for each call of that name, with the path of its file, and one for each removal of a file.
    """
    pids = [word for process in processes for word in ("-p", str(process.pid))]
    names = rule.partition(":")[0]
    command = ["strace", "-f", "-q", "-y", "-e", "signal=none", "-e", f"trace={names},unlink", "-e", f"inject={rule}"]
    strace = subprocess.Popen([*command, "-o", str(log), *pids])
    try:
        until(lambda: all(map(is_traced, processes)), 10, f"strace does not attach: {rule}")
        yield
    finally:
        strace.terminate()
        strace.wait()


def is_traced(process: psutil.Process) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ends meanwhile
        threads = [path.read_text() for path in Path(f"/proc/{process.pid}/task").glob("*/status")]
        return all("TracerPid:\t0\n" not in status for status in threads)
    return False


def calls(log: Path) -> list[Call]:
    """All that strace saw, in order. The second line of one that another thread interrupted is left out."""
    lines = [(line, CALL.search(line) or REMOVAL.search(line)) for line in log.read_text().splitlines()]
    return [Call(found[1], found[2], "(INJECTED)" in line) for line, found in lines if found]


def hits(log: Path) -> list[Call]:
    return [call for call in calls(log) if call.hit]

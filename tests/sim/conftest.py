"""Where simulated histories live, how many there are, and what a failing one says."""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.journal.simdisk import PowerCut

MEMORY = Path("/dev/shm")
"""Nothing of it needs to survive: what the simulated medium holds is in the model."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sim-seeds", type=int, default=1000, help="histories to live (long tier)")
    parser.addoption("--sim-first-seed", type=int, default=0, help="seed of the first of them")


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory of its own, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(prefix="sim-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        yield Path(place)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A thread that a simulated power cut ends is no unhandled exception. Logs are read by nobody."""
    hook = threading.excepthook
    monkeypatch.setattr(threading, "excepthook", lambda args: None if args.exc_type is PowerCut else hook(args))
    caplog.set_level("CRITICAL")


def emptied(root: Path) -> Path:
    """`root` for the next history."""
    for entry in root.iterdir():
        shutil.rmtree(entry)
    return root

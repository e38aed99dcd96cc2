"""What the journal's tests share."""

import threading

import pytest

from tests.ledger.journal.simdisk import PowerCut


@pytest.fixture(autouse=True)
def _quiet_power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer's thread that a simulated power cut ends is no unhandled exception; any other end is."""
    hook = threading.excepthook

    def told(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not PowerCut:
            hook(args)

    monkeypatch.setattr(threading, "excepthook", told)

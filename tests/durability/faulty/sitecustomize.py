"""Loaded by every Python process that has this directory on PYTHONPATH: breaks or slows its syncs.

The product has no such switch. TEST_SYNC=none is the control of the power-cut tests, a program that acknowledges what
was never synced; a number is the milliseconds that a sync waits before it begins, so that more lies in the page cache
when the power goes.
"""

import os
import time

_sync = os.environ["TEST_SYNC"]
_fdatasync = os.fdatasync


def _slow(fd: int) -> None:
    time.sleep(int(_sync) / 1000)
    _fdatasync(fd)


def _none(_: int) -> None:
    """Nothing reaches the disk."""


if _sync == "none":
    os.fdatasync = os.fsync = _none
else:
    os.fdatasync = _slow

"""The lock that makes a directory's owner the only one: `flock` on the directory itself.

The kernel drops it with the process, so it is never stale, and the directory holds no file for it. A note beside
it (in DATA/run) names the holder for the message only; nothing is decided by it.
"""

import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

from ledger.errors import Locked


class DirectoryLock:
    """Held from `take` until `release` or the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, directory: Path, note: Path) -> "DirectoryLock":
        """Lock `directory` and write the holder into `note`. Raises Locked, naming the holder."""
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise Locked(
                f"{directory} is in use by {_holder(note)}; stop that process, or use it through its server"
            ) from error
        with suppress(OSError):  # on a full disk the lock still holds, only its note is missing
            note.write_text(f"process {os.getpid()} ({Path(sys.argv[0]).name or 'python'})\n")
        return cls(fd)

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _holder(note: Path) -> str:
    try:
        return note.read_text().strip() or "another process"
    except OSError:
        return "another process"

"""All single damages of a file, one after the other."""

import os
from collections.abc import Iterator
from pathlib import Path


def damages(path: Path) -> Iterator[str]:
    """Each byte with one of its bits flipped, then each beginning of the file; at the end it is whole again.

    In place: a file that is truncated and written anew is flushed by ext4 at each close (ext4(5), auto_da_alloc).
    """
    content = path.read_bytes()
    fd = os.open(path, os.O_RDWR)
    try:
        for at, byte in enumerate(content):
            os.pwrite(fd, bytes([byte ^ 1 << at % 8]), at)
            yield f"byte {at} flipped"
            os.pwrite(fd, bytes([byte]), at)
        for length in reversed(range(len(content))):
            os.ftruncate(fd, length)
            yield f"cut at {length}"
        os.pwrite(fd, content, 0)
    finally:
        os.close(fd)

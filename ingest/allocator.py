"""The C allocator, told to hold on to less: gRPC buffers a large request in thousands of pieces, in several threads.

Twelve requests of 63 MiB left 800 MiB with the process although nothing was in use; with two arenas and a trim it is
100 MiB. Where the C library is not glibc both functions do nothing.
"""

import ctypes
from typing import Any

M_ARENA_MAX = -8
ARENAS_MAX = 2
"""One for the event loop, one for gRPC's threads. glibc's default is eight for each core."""


def limit_arenas() -> None:
    """Call before threads start: an arena that exists stays."""
    libc = _libc("mallopt")
    if libc is not None:
        libc.mallopt(M_ARENA_MAX, ARENAS_MAX)


def trim() -> None:
    """Give free memory back to the system. Takes milliseconds; the interpreter runs on meanwhile."""
    libc = _libc("malloc_trim")
    if libc is not None:
        libc.malloc_trim(0)


def _libc(function: str) -> Any:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, function) else None

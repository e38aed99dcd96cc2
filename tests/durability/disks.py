"""A real disk that fails on command: an ext4 of its own on a loop device. Its power can be cut and it can be filled.

The shutdown ioctl drops everything that was not synced, as a power cut would; kill -9 keeps the page cache and so
cannot find a missing sync. Before the cut a part of what was not synced can be written back, in any order, as a kernel
does.
"""

import ctypes
import fcntl
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.service import until

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32), fs/ext4/ext4.h
LOG_FLUSH, NO_LOG_FLUSH = 1, 2  # EXT4_GOING_FLAGS_*
SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h
PAGE_BYTES = 4096
LIBC = ctypes.CDLL(None, use_errno=True)

needs_loop = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mkfs.ext4") or not Path("/dev/loop-control").exists(),
    reason="needs root, mkfs.ext4 and loop devices",
)


@dataclass
class LoopDisk:
    """An ext4 in the file `image`, mounted at `target`."""

    image: Path
    target: Path

    def mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self.image, self.target], check=True)

    def unmount(self) -> None:
        """Also right after its processes were killed: the kernel lets go of their files a moment later."""
        until(lambda: not self.target.is_mount() or self._unmounted(), 20, f"{self.target} is still in use")

    def _unmounted(self) -> bool:
        return subprocess.run(["umount", self.target], stderr=subprocess.DEVNULL, check=False).returncode == 0

    def cut_power(self, *, log_flush: bool = False) -> None:
        """From now on nothing reaches the disk and every access fails. `log_flush`: what the file system's own journal
        had waiting still does, without the data that belongs to it.

        Whoever writes is to be frozen before: a machine without power runs no program either, and of a sync that is
        under way at this moment the kernel may say that it succeeded, although nothing was written.
        """
        fd = os.open(self.target, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", LOG_FLUSH if log_flush else NO_LOG_FLUSH))
        finally:
            os.close(fd)

    @property
    def free_bytes(self) -> int:
        found = os.statvfs(self.target)
        return found.f_bavail * found.f_frsize

    @property
    def filler(self) -> Path:
        return self.target / "filler"

    def fill(self) -> None:
        """Until not one block is left, whatever delayed allocation had promised to others."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 16, PAGE_BYTES, PAGE_BYTES):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
                os.sync()

    def empty(self) -> None:
        self.filler.unlink()


@contextmanager
def loop_disk(root: Path, size_mib: int) -> Iterator[LoopDisk]:
    """A mounted disk of that size; skips the test, with the reason, where loop devices cannot be mounted."""
    disk = LoopDisk(root / "image", root / "disk")
    disk.target.mkdir()
    with disk.image.open("wb") as file:
        file.truncate(size_mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk.image], check=True)
    try:
        disk.mount()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cannot mount a loop device here: {error}")
    try:
        yield disk
    finally:
        disk.unmount()


def freeze(processes: Sequence[psutil.Process]) -> None:
    """Stop them, and return once no thread of theirs can run any more: each is stopped, or waits for the disk."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    until(lambda: all(map(is_frozen, processes)), 20, "processes do not stop")


def is_frozen(process: psutil.Process) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        states = [
            path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{process.pid}/task").glob("*/stat")
        ]
        return all(state in "TtDZX" for state in states)
    return not process.is_running()


def write_back_some(directory: Path, rng: random.Random) -> None:
    """Start the write-back of random ranges of the files that change, and of nothing else."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink() and rng.random() < 0.7:
            with suppress(FileNotFoundError):  # the program renames and removes meanwhile
                write_back_range(path, rng)


def write_back_range(path: Path, rng: random.Random) -> None:
    """Pages near the end of the file, where what is not synced lies."""
    fd = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(fd).st_size
        start = max(0, size - rng.randrange(1, 8) * PAGE_BYTES) // PAGE_BYTES * PAGE_BYTES
        length = rng.randrange(1, 4) * PAGE_BYTES
        ranged = LIBC.sync_file_range(fd, ctypes.c_int64(start), ctypes.c_int64(length), SYNC_FILE_RANGE_WRITE)
        assert ranged == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(fd)

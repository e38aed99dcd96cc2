"""A power cut of a real file system: ext4 on a loop device is shut down without flushing its log.

The ioctl drops everything that was not synced, as a power cut would (kill -9 keeps the page cache and so cannot find
a missing sync). The process that does not sync shows that the test has teeth.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.paths import DataDir
from tests.ledger.journal.appender import acks, lost, start

pytestmark = [
    pytest.mark.durability,
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("mkfs.ext4") or not Path("/dev/loop-control").exists(),
        reason="needs root, mkfs.ext4 and loop devices",
    ),
]

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32), fs/ext4/ext4.h
NO_LOG_FLUSH = struct.pack("I", 2)
CUTS = 3
ACKS = 60


@contextmanager
def mounted(image: Path, target: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-o", "loop", image, target], check=True)
    try:
        yield target
    finally:
        subprocess.run(["umount", target], check=True)


def append_until_the_power_goes(image: Path, target: Path, word: str, *flags: str) -> dict[int, bytes]:
    with mounted(image, target), start(target / "data", word, *flags) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(ACKS)]
            fd = os.open(target, os.O_RDONLY)
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
            os.close(fd)
        finally:
            process.kill()
        return acks(lines + process.stdout.readlines())


@pytest.fixture
def disk(tmp_path: Path) -> tuple[Path, Path]:
    image, target = tmp_path / "image", tmp_path / "mounted"
    target.mkdir()
    with image.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    try:
        with mounted(image, target):
            return image, target
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cannot mount a loop device here: {error}")


def test_acked_events_survive_power_cuts_of_a_real_file_system(disk: tuple[Path, Path]) -> None:
    acked: dict[int, bytes] = {}
    for cut in range(CUTS):
        acked |= append_until_the_power_goes(*disk, f"cut{cut}")
        with mounted(*disk) as target:
            assert lost(DataDir(target / "data"), acked) == []
    assert len(acked) >= CUTS * ACKS


def test_a_writer_that_does_not_sync_loses_acked_events(disk: tuple[Path, Path]) -> None:
    acked = append_until_the_power_goes(*disk, "nosync", "no-sync")
    with mounted(*disk) as target:
        try:
            gone = lost(DataDir(target / "data"), acked)
        except LedgerError:  # what is left of the files may not even open
            return
    assert gone

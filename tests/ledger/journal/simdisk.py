"""A disk in memory that keeps only what it promised: whatever was not synced may be lost, torn or reordered.

Each file is a base that is on the medium for certain and a list of changes since. A power cut keeps any subset of the
unsynced changes, sector by sector, and any subset of the directory's unsynced names. A failed sync forgets its pages
(Linux marks them clean): they stay visible, but no later sync writes them. Deterministic under its seed.
"""

import errno
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import Locked

SECTOR_BYTES = 512


class PowerCut(SystemExit):
    """The machine is off. A SystemExit, so that a thread it ends ends quietly."""


@dataclass
class Change:
    """`data` written at `offset`, or a cut to `offset` where it is None. `sure` once a sync has covered it."""

    offset: int
    data: bytes | bytearray | None
    sure: bool = False
    forgotten: bool = False  # by a sync that failed


@dataclass
class Inode:
    base: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)
    seen: bytearray = field(default_factory=bytearray)  # what readers see: the page cache
    mode: int = 0o600

    def write(self, offset: int, data: bytes | bytearray) -> None:
        apply(self.seen, offset, data)
        self.changes.append(Change(offset, data))

    def truncate(self, size: int) -> None:
        apply(self.seen, size, None)
        self.changes.append(Change(size, None))

    def sync(self) -> None:
        for change in self.changes:
            change.sure = change.sure or not change.forgotten
        while self.changes and self.changes[0].sure:
            done = self.changes.pop(0)
            apply(self.base, done.offset, done.data)

    def forget(self) -> None:
        for change in self.changes:
            change.forgotten = not change.sure

    def after_cut(self, chance: random.Random) -> "Inode":
        kept, odds = bytearray(self.base), chance.choice((0.0, 0.3, 0.7, 0.95, 1.0))
        for change in self.changes:
            for piece in sectors(change):
                if change.sure or chance.random() < odds:
                    apply(kept, piece.offset, piece.data)
        if len(kept) < len(self.seen) and chance.random() < 0.3:  # the size reached the medium, the data did not
            kept += stale(chance, len(self.seen) - len(kept), bytes(self.base))
        return Inode(kept, [], bytearray(kept), self.mode)


def apply(data: bytearray, offset: int, written: bytes | bytearray | None) -> None:
    if len(data) < offset:
        data += bytes(offset - len(data))
    if written is None:
        del data[offset:]
    else:
        data[offset : offset + len(written)] = written


def sectors(change: Change) -> Iterator[Change]:
    """The change as the medium may take it: one sector at a time."""
    if change.data is None:
        yield change
        return
    at, end = change.offset, change.offset + len(change.data)
    while at < end:
        stop = min(end, at - at % SECTOR_BYTES + SECTOR_BYTES)
        yield Change(at, change.data[at - change.offset : stop - change.offset])
        at = stop


def stale(chance: random.Random, length: int, old: bytes) -> bytes:
    """What blocks hold that were never written: nothing, noise, or an older part of the same file."""
    kind = chance.randrange(3)
    if kind == 0 or (kind == 2 and not old):
        return bytes(length)
    return chance.randbytes(length) if kind == 1 else (old * (length // len(old) + 1))[:length]


class SimFile:
    def __init__(self, disk: "SimDisk", path: Path, inode: Inode) -> None:
        self._disk, self._path, self._inode = disk, path, inode

    @property
    def size(self) -> int:
        return len(self._inode.seen)

    def write(self, parts: Sequence[bytes]) -> None:
        data = b"".join(parts)
        try:
            self._disk.step("write", self._path)
        except OSError:
            self._inode.write(self.size, data[: self._disk.chance.randrange(len(data) + 1)])
            raise
        except PowerCut:
            self._inode.write(self.size, data)
            raise
        room = self._disk.room_bytes
        self._inode.write(self.size, data[:room])
        self._disk.room_bytes -= min(room, len(data))
        if room < len(data):
            raise OSError(errno.ENOSPC, "no space left on device (simulated)")

    def write_at(self, offset: int, data: bytes) -> None:
        try:
            self._disk.step("write_at", self._path)
        except PowerCut:
            self._inode.write(offset, data)
            raise
        self._inode.write(offset, data)

    def truncate(self, size: int) -> None:
        self._disk.step("truncate", self._path)
        self._disk.room_bytes += max(0, self.size - size)
        self._inode.truncate(size)

    def sync(self) -> None:
        try:
            self._disk.step("sync", self._path)
        except OSError:
            self._inode.forget()
            raise
        if self._disk.syncs_files:
            self._inode.sync()

    def close(self) -> None:
        self._disk.step("close", self._path)


class SimSource:
    def __init__(self, disk: "SimDisk", path: Path, inode: Inode) -> None:
        self._disk, self._path, self._inode = disk, path, inode

    @property
    def size(self) -> int:
        return len(self._inode.seen)

    def read(self, offset: int, length: int) -> bytes:
        self._disk.step("read", self._path)
        return bytes(self._inode.seen[offset : offset + length])

    def close(self) -> None:
        """Nothing to do."""


Names = dict[Path, Inode]


class SimDisk:
    """See the module. `fault` is asked before each operation and may return an OSError or a PowerCut to raise."""

    def __init__(self, seed: int = 0, room_bytes: int = 1 << 40) -> None:
        self.chance = random.Random(seed)
        self.room_bytes = room_bytes
        self.names: Names = {}
        self.sure_names: Names = {}
        self.name_changes: list[tuple[Path, Callable[[Names], None]]] = []
        self.directories: set[Path] = set()
        self.locked: set[Path] = set()
        self.steps = 0
        self.fault: Callable[[int, str, Path], BaseException | None] = lambda step, what, path: None
        self.off = False
        self.syncs_files = self.syncs_names = True  # false only in mutants, which the tests must catch

    def step(self, what: str, path: Path) -> None:
        if self.off:
            raise PowerCut
        self.steps += 1
        error = self.fault(self.steps, what, path)
        if isinstance(error, PowerCut):
            self.off = True
        if error is not None:
            raise error

    def after_power_cut(self) -> "SimDisk":
        """The disk that the next start finds."""
        disk = self._next()
        names = dict(self.sure_names)
        for _, change in self.name_changes:
            if self.chance.random() < 0.5:
                change(names)
        disk.names = {path: inode.after_cut(self.chance) for path, inode in sorted(names.items())}
        disk.sure_names = dict(disk.names)
        return disk

    def after_kill(self) -> "SimDisk":
        """The disk after the process alone died: the page cache and its debts live on."""
        disk = self._next()
        disk.names, disk.sure_names = self.names, self.sure_names
        disk.name_changes = self.name_changes
        return disk

    def _next(self) -> "SimDisk":
        disk = type(self)(self.chance.getrandbits(32))
        disk.directories = set(self.directories)
        disk.syncs_files, disk.syncs_names = self.syncs_files, self.syncs_names
        return disk

    def _rename_in(self, path: Path, change: Callable[[Names], None]) -> None:
        change(self.names)
        self.name_changes.append((path.parent, change))

    def open_append(self, path: Path) -> SimFile:
        self.step("open", path)
        if path not in self.names:
            inode = Inode()
            self._rename_in(path, lambda names: names.__setitem__(path, inode))
        return SimFile(self, path, self.names[path])

    def open_read(self, path: Path) -> SimSource:
        self.step("open_read", path)
        return SimSource(self, path, self._inode(path))

    def _inode(self, path: Path) -> Inode:
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file (simulated)", str(path))
        return self.names[path]

    def read(self, path: Path, offset: int, length: int) -> bytes:
        return self.open_read(path).read(offset, length)

    def size(self, path: Path) -> int:
        return len(self._inode(path).seen)

    def exists(self, path: Path) -> bool:
        return path in self.names

    def list(self, directory: Path) -> list[str]:
        return sorted(path.name for path in self.names if path.parent == directory)

    def mkdir(self, directory: Path) -> None:
        self.directories.add(directory)

    def rename(self, source: Path, target: Path) -> None:
        self.step("rename", source)
        inode = self._inode(source)

        def change(names: Names) -> None:
            names.pop(source, None)
            names[target] = inode

        self._rename_in(target, change)

    def unlink(self, path: Path) -> None:
        self.step("unlink", path)
        self._inode(path)

        def change(names: Names) -> None:
            names.pop(path, None)

        self._rename_in(path, change)

    def chmod(self, path: Path, mode: int) -> None:
        self.step("chmod", path)
        self._inode(path).mode = mode

    def sync_dir(self, directory: Path) -> None:
        self.step("sync_dir", directory)
        if self.syncs_names:
            self._make_sure(directory)

    def _make_sure(self, directory: Path) -> None:
        for parent, change in self.name_changes:
            if parent == directory:
                change(self.sure_names)
        self.name_changes = [entry for entry in self.name_changes if entry[0] != directory]

    def free_bytes(self, directory: Path) -> int:
        return self.room_bytes

    def write_atomic(self, path: Path, data: bytes) -> None:
        aside = path.with_suffix(".aside")
        file = self.open_append(aside)
        file.truncate(0)
        file.write([data])
        file.sync()
        self.rename(aside, path)
        self.sync_dir(path.parent)

    def lock(self, directory: Path, note: Path) -> "SimLock":
        if directory in self.locked:
            raise Locked(f"{directory} is in use by this simulation")
        return SimLock(self, directory)


class SimLock:
    def __init__(self, disk: SimDisk, directory: Path) -> None:
        self._disk, self._directory = disk, directory
        disk.locked.add(directory)

    def release(self) -> None:
        self._disk.locked.discard(self._directory)

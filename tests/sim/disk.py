"""The simulated disk with the ledger's files shown in a real directory: pyarrow, DuckDB and SQLite want paths.

What is durable is decided by SimDisk alone; the real directory is what processes see (the page cache). After a crash it
is made to show what the crash left. The catalog is a file of its own kind: see `database`. Operations on the ledger can
be ended apart from the others, which is the death of the poster alone.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.ledger.journal.simdisk import Inode, Names, PowerCut, SimDisk, SimFile
from tests.sim.database import CatalogInode

CATALOG = ".sqlite"

Entry = tuple[Path, Callable[[Names], None]]
"""A directory, and a change of the names in it that is not sure yet."""
Watch = Callable[[str, str, Path], None]
"""Told (moment, operation, path) before and after each operation that changes something; may raise a PowerCut."""


class PosterKilled(PowerCut):
    """The poster's process ends; the machine and the collector go on."""


@dataclass(frozen=True)
class Moved:
    """A directory that was renamed, as a change of names."""

    source: Path
    target: Path

    def __call__(self, names: Names) -> None:
        for path in [path for path in names if path.is_relative_to(self.source)]:
            names[self.target / path.relative_to(self.source)] = names.pop(path)

    def follow(self, entry: Entry) -> Entry:
        """A change within the directory from before it was moved: it is of that directory, not of its name."""
        directory, change = entry
        if not directory.is_relative_to(self.source):
            return entry

        def follows(names: Names) -> None:
            inside = {path: names.pop(path) for path in list(names) if path.is_relative_to(self.target)}
            as_before = {self.source / path.relative_to(self.target): inode for path, inode in inside.items()}
            change(as_before)
            self(as_before)
            names.update(as_before)

        return self.target / directory.relative_to(self.source), follows


def _followed(entry: Entry, pending: Sequence[Entry], synced: Path) -> Entry:
    """`entry` after the changes of names in `synced` are sure; `pending`: what came from it on."""
    for directory, change in pending:
        if directory == synced and isinstance(change, Moved):
            entry = change.follow(entry)
    return entry


class MirroredDisk(SimDisk):
    def __init__(self, root: Path, seed: int = 0) -> None:
        super().__init__(seed)
        self.root = root
        self.connections: list[sqlite3.Connection] = []
        self.watch: Watch | None = None
        self.poster_killed = False
        self.between: Callable[[], None] = lambda: None
        self._ledgers = str(root / "ledger")

    def is_ledger(self, path: Path) -> bool:
        return str(path).startswith(self._ledgers)

    def step(self, what: str, path: Path) -> None:
        self.between()
        self.check_alive(path)
        try:
            super().step(what, path)
        except PosterKilled:
            self.off, self.poster_killed = False, True
            raise
        except PowerCut:
            self.off = True
            raise

    def check_alive(self, path: Path) -> None:
        if self.off or (self.poster_killed and self.is_ledger(path)):
            raise PowerCut

    @contextmanager
    def around(self, what: str, path: Path) -> Iterator[None]:
        """Tell `watch` before and after; what it raises there is a crash before or after the whole operation."""
        self._tell("before", what, path)
        yield
        self._tell("after", what, path)

    def _tell(self, moment: str, what: str, path: Path) -> None:
        if self.watch is None:
            return
        self.check_alive(path)
        try:
            self.watch(moment, what, path)
        except PosterKilled:
            self.poster_killed = True
            raise
        except PowerCut:
            self.off = True
            raise

    # --- operations ---------------------------------------------------------------------------------------------

    def exists(self, path: Path) -> bool:
        return path in self.names or any(self._under(path))

    def _under(self, directory: Path) -> Iterator[Path]:
        prefix = f"{directory}{os.sep}"
        return (path for path in self.names if str(path).startswith(prefix))

    def mkdir(self, directory: Path) -> None:
        super().mkdir(directory)
        directory.mkdir(parents=True, exist_ok=True)

    def open_append(self, path: Path) -> SimFile:
        with self.around("open", path):
            self.step("open", path)
            if path not in self.names:
                inode = Inode()
                self._rename_in(path, lambda names: names.__setitem__(path, inode))
                if self.is_ledger(path):
                    path.touch(mode=0o600)
        return WatchedFile(self, path, self.names[path])

    def rename(self, source: Path, target: Path) -> None:
        with self.around("rename", target):
            if source in self.names:
                self._rename_file(source, target)
            else:
                self._rename_directory(source, target)

    def _rename_file(self, source: Path, target: Path) -> None:
        if target.suffix == CATALOG:
            self.names[source] = CatalogInode(source.read_bytes())
        super().rename(source, target)
        if self.is_ledger(target):
            source.unlink()
            show(target, self.names[target])

    def _rename_directory(self, source: Path, target: Path) -> None:
        self.step("rename", source)
        self._rename_in(target, Moved(source, target))
        source.rename(target)

    def unlink(self, path: Path) -> None:
        with self.around("unlink", path):
            inode = self._inode(path)
            super().unlink(path)
            if isinstance(inode, CatalogInode):
                inode.capture(path)
            if self.is_ledger(path):
                path.unlink()

    def remove_tree(self, directory: Path) -> None:
        for path in sorted(self._under(directory)):
            self.unlink(path)
        shutil.rmtree(directory, ignore_errors=True)

    def sync_dir(self, directory: Path) -> None:
        with self.around("sync_dir", directory):
            super().sync_dir(directory)

    def _make_sure(self, directory: Path) -> None:
        pending = self.name_changes
        super()._make_sure(directory)
        self.name_changes = [
            _followed(entry, pending[number:], directory)
            for number, entry in enumerate(pending)
            if entry[0] != directory
        ]

    def chmod(self, path: Path, mode: int) -> None:
        with self.around("chmod", path):
            super().chmod(path, mode)

    # --- crashes ------------------------------------------------------------------------------------------------

    def after_power_cut(self) -> Self:
        self._let_go()
        disk = super().after_power_cut()
        disk._show_all()
        return disk

    def after_kill(self) -> Self:
        self._let_go()
        disk = super().after_kill()
        disk._show_all()
        return disk

    def after_poster_kill(self) -> None:
        """The poster is gone, and with it its lock."""
        self._let_go()
        self._show_all()
        self.poster_killed = False
        self.locked = {directory for directory in self.locked if not self.is_ledger(directory)}

    def _next(self) -> Self:
        disk = type(self)(self.root, self.chance.getrandbits(32))
        disk.directories = set(self.directories)
        return disk

    def _let_go(self) -> None:
        """Take down what the catalogs hold now, and only then end their connections, which changes the files."""
        for path, inode in self.names.items():
            if isinstance(inode, CatalogInode):
                inode.capture(path)
        while self.connections:
            sqlite3.Connection.close(self.connections.pop())

    def _show_all(self) -> None:
        shown = {path: inode for path, inode in self.names.items() if self.is_ledger(path)}
        for top in self.root.glob("ledger*"):
            for directory, _, names in os.walk(top):
                for name in names:
                    if Path(directory, name) not in shown:
                        Path(directory, name).unlink()
            if not any(self._under(top)):
                shutil.rmtree(top)
        for path, inode in shown.items():
            show(path, inode)


def show(path: Path, inode: Inode) -> None:
    """Make the real file hold what the inode holds. A new file each time: the old one may be mapped by somebody."""
    if isinstance(inode, CatalogInode):
        inode.show(path)
        return
    with suppress(FileNotFoundError):
        if path.read_bytes() == inode.seen:
            return
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(inode.seen)


class WatchedFile(SimFile):
    """Writing a file of the ledger counts as one step: pyarrow writes every page by itself."""

    _disk: MirroredDisk

    def write(self, parts: Sequence[bytes]) -> None:
        if self.size and self._disk.is_ledger(self._path):
            self._disk.check_alive(self._path)
            self._go_on(b"".join(parts))
            return
        with self._disk.around("write", self._path):
            super().write(parts)

    def _go_on(self, data: bytes) -> None:
        """As part of the write before, where nothing came between: a thousand pages are then one change."""
        last = self._inode.changes[-1] if self._inode.changes else None
        if last and isinstance(last.data, bytearray) and last.offset + len(last.data) == self.size:
            last.data += data
            self._inode.seen += data
        else:
            self._inode.write(self.size, bytearray(data))

    def write_at(self, offset: int, data: bytes) -> None:
        with self._disk.around("write_at", self._path):
            super().write_at(offset, data)

    def truncate(self, size: int) -> None:
        with self._disk.around("truncate", self._path):
            super().truncate(size)

    def sync(self) -> None:
        with self._disk.around("sync", self._path):
            super().sync()

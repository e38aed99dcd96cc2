"""A file that is there whole or not at all."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


@contextmanager
def aside(target: Path | None) -> Iterator[Path]:
    """Where to write: a file that becomes `target`, or goes to stdout if that is None, once all went well.

    A reader of `target` sees what was there before or all of the new, also after a crash. Raises OSError.
    """
    if target is None or (target.exists() and not target.is_file()):
        with tempfile.TemporaryDirectory(prefix="spanledger.") as directory:
            file = Path(directory) / "export"
            yield file
            _pass_on(file, target)
        return
    place = target.resolve()
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory to write to", str(place.parent))
    file = place.with_name(f".{place.name}.{os.getpid()}.aside")
    try:
        yield file
        _sync(file)
        file.replace(place)
        _sync(place.parent)
    finally:
        file.unlink(missing_ok=True)


def _pass_on(file: Path, target: Path | None) -> None:
    """To stdout, or to a device or pipe, which cannot be replaced."""
    sys.stdout.flush()
    with file.open("rb") as source, target.open("wb") if target else nullcontext(sys.stdout.buffer) as sink:
        shutil.copyfileobj(source, sink)
        sink.flush()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

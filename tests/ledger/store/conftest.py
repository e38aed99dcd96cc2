"""A ledger in a fresh directory, with a clock that only the test moves."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ledger.paths import DataDir
from ledger.store.catalog import Catalog
from ledger.store.options import StoreOptions


class HandClock:
    """Both clocks of the seam, moved by hand."""

    def __init__(self) -> None:
        self.ns = 1_700_049_600 * 10**9

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    def advance(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def catalog(data: DataDir, clock: HandClock) -> Iterator[Catalog]:
    with closing(Catalog.open(data, clock=clock)) as opened:
        yield opened


@pytest.fixture
def open_catalog(data: DataDir, clock: HandClock) -> Iterator[Callable[..., Catalog]]:
    """Open the ledger with some options; it is closed at the end."""
    with ExitStack() as stack:

        def opened(**options: float) -> Catalog:
            return stack.enter_context(closing(Catalog.open(data, clock=clock, options=StoreOptions(**options))))

        yield opened

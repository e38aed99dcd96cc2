"""One ledger of all sample traces, made once, and the application over it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from queries.connect import connect
from spanledger.appending import door
from spanledger.config import load
from spanledger.otlp_files import pieces
from spanledger.samples import samples
from tests.queries.asking import Ask, asker
from tests.queries.by_hand import Books


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    """A data directory with every sample posted."""
    root = tmp_path_factory.mktemp("books")
    settings = load(data=root, environ={})
    with door(settings) as ledger:
        last = -1
        for file in samples():
            for body in pieces(file):
                draft = Draft(kind=f"otlp.{file.signal}", body=body, content_type="application/x-protobuf")
                last = ledger.append(draft)
        ledger.settle(last, lambda cursor: None)
    return settings.data


@pytest.fixture(scope="session")
def connection(books: DataDir) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(books) as opened:
        yield opened


@pytest.fixture(scope="session")
def ask(books: DataDir) -> Iterator[Ask]:
    with asker(books) as ask:
        yield ask


@pytest.fixture
def ask_nothing(tmp_path: Path) -> Iterator[Ask]:
    """The application over a ledger into which nothing came."""
    settings = load(data=tmp_path / "data", environ={})
    with door(settings) as ledger:
        ledger.settle(1, lambda cursor: None)
    with asker(settings.data) as ask:
        yield ask


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    with closing(made.catalog):
        yield made

"""Samples posted once and read by many tests."""

from collections.abc import Callable

import pytest

from ledger.paths import DataDir
from tests.golden.books import keep
from tests.golden.samples import Sample


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture(scope="session")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sample], DataDir]:
    """The books of a sample of which each signal arrived once, whole, as protobuf; made when first asked for."""
    made: dict[str, DataDir] = {}

    def books_of(sample: Sample) -> DataDir:
        if sample.name not in made:
            made[sample.name] = keep(tmp_path_factory.mktemp("posted"), sample.drafts)
        return made[sample.name]

    return books_of

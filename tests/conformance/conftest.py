"""One collector for all tests of a module that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.ingest.doors import Door, open_door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door"), request_bytes_max=1 << 20) as door:
        yield door


@pytest.fixture(params=["grpc", "http", "json"])
def transport(request: pytest.FixtureRequest) -> str:
    """All three ways in."""
    return str(request.param)


@pytest.fixture(params=["grpc", "http"])
def wire(request: pytest.FixtureRequest) -> str:
    """The two that carry protobuf."""
    return str(request.param)

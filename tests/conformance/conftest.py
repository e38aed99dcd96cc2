"""The conformance tier: its marker, its servers, and the page that is made of its results.

Tests may run in several processes: what one ended with travels with its report to the process that makes the page.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.duties import BY_ID
from tests.conformance.table import PAGE, Outcome, missing, page
from tests.ingest.doors import Door, open_door

HERE = Path(__file__).parent
RESULTS = pytest.StashKey[dict[str, list[Outcome]]]()
FILES = pytest.StashKey[set[str]]()
"""Names of the files of the tier of which a test ran."""
PROPERTY = "conformance"
"""Of a report: the file of the test and, for each duty that it proves, the outcome as a tuple."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-conformance", action="store_true", help="write docs/conformance.md instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS], config.stash[FILES] = defaultdict(list), set()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collected(config))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.conformance)
            if unknown := set(_duties(item)) - set(BY_ID):
                raise pytest.UsageError(f"{item.nodeid}: no such duty: {', '.join(sorted(unknown))}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: Any = yield
    if HERE in item.path.parents and (report.when == "call" or not report.passed):
        ended = (item.path.name, item.originalname, _transport(item), report.passed)  # type: ignore[attr-defined]
        report.user_properties.append((PROPERTY, (item.path.name, [(duty, ended) for duty in _duties(item)])))
    return report


class Collected:
    """Takes in reports, in the one process that has all of them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for file, outcomes in [said for name, said in report.user_properties if name == PROPERTY]:
            self._config.stash[FILES].add(file)
            for duty, ended in outcomes:
                self._config.stash[RESULTS][duty].append(Outcome(*ended))


def _duties(item: pytest.Item) -> list[str]:
    return [duty for mark in item.iter_markers("duty") for duty in mark.args if not item.get_closest_marker("long")]


def _transport(item: pytest.Item) -> str:
    """The way in that a test is about, if it is run over several."""
    parameters = getattr(item, "callspec", None)
    given = parameters.params if parameters else {}
    return str(given.get("transport") or given.get("wire") or given.get("http_form") or "")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """When the whole tier ran: compare the page, or write it."""
    if not _whole_tier(session):
        return
    results = session.config.stash[RESULTS]
    text, problems = page(results), missing(results)
    if session.config.getoption("--write-conformance", default=False):
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        problems.append(f"{PAGE.name} is not what the results give: run pytest tests/conformance --write-conformance")
    if problems:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.get_terminal_writer().line("\nconformance: " + "\nconformance: ".join(problems), red=True)


def _whole_tier(session: pytest.Session) -> bool:
    option = session.config.option
    narrowed = option.keyword or option.collectonly or any("::" in str(name) for name in session.config.args)
    files = {path.name for path in HERE.glob("test_*.py")}
    return not narrowed and not session.shouldstop and session.config.stash[FILES] == files


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One collector for all tests of a module that leave it as they found it."""
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


@pytest.fixture(params=["http", "json"])
def http_form(request: pytest.FixtureRequest) -> str:
    """The two that come over HTTP."""
    return str(request.param)

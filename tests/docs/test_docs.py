"""What the documents claim stays true where that is cheap to check: files, tests, commands and views exist."""

import re
from pathlib import Path

import pytest

from queries.views import ORDER
from spanledger.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "sample_traces/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PATH = re.compile(r"`((?:ledger|ingest|queries|spanledger|tests|docs|bench|sample_traces)/[\w./-]+)`")
COMMAND = re.compile(r"(?:\.venv/bin/|`)spanledger ([a-z]+)")


def fenced(document: Path, language: str) -> list[str]:
    """Lines of all fenced blocks of that language."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(document: Path) -> None:
    assert [path for path in PATH.findall(document.read_text()) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_commands_exist(document: Path) -> None:
    assert set(COMMAND.findall(document.read_text())) - set(COMMANDS) == set()


def test_readme_starts_with_the_two_commands_that_ci_runs_word_by_word() -> None:
    first, second, *_ = fenced(ROOT / "README.md", "sh")
    assert first.startswith("python3 -m venv .venv && ")
    assert first.endswith("spanledger demo")
    assert second == ".venv/bin/pytest -q -n logical"
    assert "readme_command 1" in (ROOT / ".ci/run").read_text()
    assert "readme_command 2" in (ROOT / ".ci/run").read_text()


def test_readme_exports_the_three_variables_an_sdk_needs() -> None:
    exports = [line for line in fenced(ROOT / "README.md", "sh") if line.startswith("export ")]
    assert [line.split("=")[0] for line in exports] == [
        "export OTEL_EXPORTER_OTLP_ENDPOINT",
        "export OTEL_EXPORTER_OTLP_PROTOCOL",
        "export OTEL_SERVICE_NAME",
    ]


def test_constraints_pin_versions_and_name_no_host() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line)] == []


def test_views_that_documents_query_exist() -> None:
    queried = {name for document in DOCUMENTS for name in re.findall(r"\bFROM ([a-z_]+)", document.read_text())}
    assert queried - set(ORDER) == set()

"""The tutorial on new dialects, followed to the letter against the running program: its file, its line, its span."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import PROGRAM, Service, service, until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs/tutorials/a-new-dialect.md").read_text()
FILE_LINES_MAX = 60


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)


def patched(text: str, diff: str) -> str:
    """`text` with the added lines of `diff`, each before the unchanged line that follows it there."""
    added: list[str] = []
    for line in diff.splitlines():
        if line.startswith("+"):
            added.append(line[1:])
        elif added:
            lines = text.splitlines()
            (place,) = [at for at, kept in enumerate(lines) if kept == line[1:]]
            text = "\n".join([*lines[:place], *added, *lines[place:]]) + "\n"
            added = []
    return text


def importing_from(folder: Path) -> dict[str, str]:
    """Without the second, Python looks in the folder that it was started in before it looks in this one."""
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package as the tutorial leaves it; the folder to import it from."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "ingest", folder / "ingest", ignore=shutil.ignore_patterns("__pycache__"))
    dialects = folder / "ingest/dialects"
    file, _ = blocks("python")
    (dialects / "shopbot.py").write_text(file)
    (diff,) = blocks("diff")
    (dialects / "__init__.py").write_text(patched((dialects / "__init__.py").read_text(), diff))
    return folder


@pytest.fixture(scope="module")
def running(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("tutorial"), environment=importing_from(package)) as one:
        one.start()
        yield one


def test_the_file_is_short() -> None:
    file, _ = blocks("python")
    assert len(file.splitlines()) <= FILE_LINES_MAX


def test_the_span_is_read_as_the_tutorial_says(running: Service) -> None:
    _, script = blocks("python")
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{running.grpc}"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
    (question,), (answer,) = blocks("sql"), blocks("json")
    command = [PROGRAM, "sql", question, "--data", str(running.data), "--format", "json"]

    def answered() -> list[dict[str, object]]:
        rows = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
        return list(rows) if len(rows) == 2 else []

    assert until(answered, 30, "the spans in SQL") == json.loads(answer)


def test_the_copy_alone_knows_the_dialect(package: Path) -> None:
    known = "from ingest.dialects import DIALECTS; print(DIALECTS[0].name)"
    environment = {**os.environ, **importing_from(package)}
    done = subprocess.run([sys.executable, "-c", known], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "shopbot\n"
    assert not (ROOT / "ingest/dialects/shopbot.py").exists()

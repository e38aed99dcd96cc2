"""Tests run against a copy of the program in which one text is replaced."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.table import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("ledger", "ingest", "queries", "spanledger", "tests", "sample_traces", "pyproject.toml")
TIMEOUT_S = 600
TESTS_FAILED = 1
"""Exit code of pytest (docs.pytest.org, Exit codes). Where tests could not be collected it is another one."""


def copy_of_the_program(place: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)
    return place


def run(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Exit code and output of pytest over `tests` in `tree`, which comes first on the path and ends at a failure."""
    plugins = ["-p", "no:cacheprovider", "-p", "tests.mutants.no_shrink"]
    command = [sys.executable, "-m", "pytest", "-q", "-x", *plugins, "--tb=line", *tests]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=TIMEOUT_S)
    return done.returncode, done.stdout + done.stderr


def killed_by(mutant: Mutant, tree: Path) -> str:
    """The test that fails for `mutant`. AssertionError where none does, or where something else than a test failed."""
    path = tree / mutant.file
    text = path.read_text()
    assert text.count(mutant.was) == 1, (
        f"{mutant.file} holds the text of {mutant.name!r} {text.count(mutant.was)} times"
    )
    path.write_text(text.replace(mutant.was, mutant.becomes))
    try:
        code, output = run(tree, mutant.tests)
    finally:
        path.write_text(text)
    failed = re.search(r"^FAILED (\S+)", output, re.MULTILINE)
    if code != TESTS_FAILED or failed is None or "Timeout (>" in output:
        raise AssertionError(f"{mutant.name!r} lives; pytest ended with {code}:\n{output[-2000:]}")
    return failed[1]

"""The tree stays small and portable: sizes of files and functions, and no path of the machine it was written on."""

import ast
import re

from tests.architecture.tree import ROOT, tracked, where

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
MACHINE_PATH = re.compile(r"(?<![\w.$}{])/(?:tmp|root|work|home)/[a-z]")
TEXT = ("*.py", "*.md", "*.toml", "*.txt", "*.sql", "*.html", "*.js", "*.css", "*.json", "*.yaml", "*.sh", ".ci/*")


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in tracked("*.py")}
    assert [where(path, n) for path, n in lengths.items() if n > FILE_LINES_MAX] == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = []
    for path in tracked("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{where(path, node.lineno)} {node.name}: {lines} lines")
    assert long == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{where(path, number)} {line.strip()[:100]}"
        for path in tracked(*TEXT)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MACHINE_PATH.search(line) and path != ROOT / "tests/architecture/test_tidy.py"
    ]
    assert found == []


def test_every_package_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in tracked("ledger/*.py", "ingest/*.py", "queries/*.py", "spanledger/*.py", "bench/*.py")
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []


def test_nothing_is_left_half_done() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|# type: ignore\s*$|except Exception:\s*pass")
    found = [
        f"{where(path, number)} {line.strip()[:100]}"
        for path in tracked("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marks.search(line) and path != ROOT / "tests/architecture/test_tidy.py"
    ]
    assert found == []

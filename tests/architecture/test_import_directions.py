"""Imports go one way: ledger <- ingest | queries <- spanledger, and inside ledger from the bottom up."""

import subprocess
import sys

import pytest

from tests.architecture.tree import PACKAGES, ROOT, imports, tracked, where

MAY_IMPORT = {
    "ledger": {"ledger"},
    "ingest": {"ledger", "ingest"},
    "queries": {"ledger", "queries"},
    "spanledger": {"ledger", "ingest", "queries", "spanledger"},
}
LEDGER_LAYERS = (
    {"seams", "column", "listed", "priced", "schema", "money", "errors", "paths"},
    {"journal"},
    {"log"},
    {"store"},
    {"calls"},
    {"books"},
    {"budgets"},
    {"post"},
)
"""Bottom first. A part may import its own layer and those beneath it."""

RANK = {part: rank for rank, layer in enumerate(LEDGER_LAYERS) for part in layer}
HEAVY = ("polars", "duckdb", "fastapi", "pyarrow", "pandas")
COLLECTOR_MODULES = ("ingest.collector", "ingest.control", "spanledger.processes.collector")


def test_packages_import_only_what_lies_beneath_them() -> None:
    wrong = [
        f"{where(path, line)} imports {module}"
        for package in PACKAGES
        for path in tracked(f"{package}/*.py")
        for line, module in imports(path)
        if module.split(".")[0] in set(PACKAGES) - MAY_IMPORT[package]
    ]
    assert wrong == []


def test_parts_of_the_ledger_import_only_from_the_bottom_up() -> None:
    wrong = []
    for path in tracked("ledger/*.py"):
        part = path.relative_to(ROOT / "ledger").parts[0].removesuffix(".py")
        for line, module in imports(path):
            names = module.split(".")
            if names[0] == "ledger" and len(names) > 1 and RANK[names[1]] > RANK.get(part, -1):
                wrong.append(f"{where(path, line)} ({part}) imports {module}")
    assert wrong == []


def test_every_part_of_the_ledger_has_its_place_in_the_order() -> None:
    parts = {path.relative_to(ROOT / "ledger").parts[0].removesuffix(".py") for path in tracked("ledger/*.py")}
    assert parts - set(RANK) == {"__init__"}


def test_imports_are_absolute() -> None:
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in tracked("*.py")
        for line, module in imports(path)
        if module.startswith(".")
    ]
    assert wrong == []


def test_ledger_knows_no_socket_and_no_web() -> None:
    banned = {"socket", "socketserver", "asyncio", "http", "grpc", "fastapi", "uvicorn", "httpx", "httpx2", "requests"}
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in tracked("ledger/*.py")
        for line, module in imports(path)
        if module.split(".")[0] in banned
    ]
    assert wrong == []


@pytest.mark.parametrize("module", COLLECTOR_MODULES)
def test_the_collector_starts_without_the_heavy_libraries(module: str) -> None:
    script = f"import sys, {module}; print(*sorted(m for m in {HEAVY!r} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []

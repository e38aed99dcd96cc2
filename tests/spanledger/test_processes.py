"""What the processes may load. Start-up counts: an exporter lives through seven seconds without the collector."""

import subprocess
import sys

import pytest

HEAVY = ("polars", "duckdb", "fastapi", "pyarrow", "numpy", "ptars")


@pytest.mark.parametrize("module", ["spanledger.processes.collector", "spanledger.supervise", "spanledger.cli.serve"])
def test_the_way_to_the_ports_is_light(module: str) -> None:
    script = f"import sys, {module}; print(*sorted(name for name in {HEAVY!r} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_options_of_the_collector_load_nothing_heavy() -> None:
    script = (
        "import sys; from spanledger.config import load; from spanledger.parts import options;"
        "from spanledger.seed import price_book_seed;"
        "c = load(environ={}); options(c, 'collector'); options(c, 'journal'); price_book_seed();"
        f"print(*sorted(name for name in {HEAVY!r} if name in sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []

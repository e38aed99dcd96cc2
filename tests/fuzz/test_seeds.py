"""Every seed, and every input that was a finding once, passes through its target; and the fuzzer itself starts."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import SEEDS, found, seeds
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_passes(target: str) -> None:
    inputs = list(seeds(target))
    assert len(inputs) >= 2
    for data in inputs:
        TARGETS[target](data)


@pytest.mark.parametrize("path", [path for target in SEEDS for path in found(target)], ids=lambda path: path.name[:20])
def test_what_was_found_once_passes(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_seeds() -> None:
    assert list(TARGETS) == list(SEEDS)


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_ten_seconds_of_fuzzing_find_nothing(target: str) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install -e '.[fuzz]'")
    command = [sys.executable, "-m", "tests.fuzz.run", target, "--seconds", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]

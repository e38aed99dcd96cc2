"""The commands that the README gives for the first answer are run as they stand there, on a sample."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.service import PROGRAM

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_traces/otel_genai/ms_agent_framework.traces.binpb"
BLOCKS_OF_A_SHELL = "```sh\n"
NOT_HERE = ("serve", "demo")
"""`serve` does not return and `demo` is the first command of the README, which .ci/run runs."""


def readme_commands() -> list[str]:
    blocks = (ROOT / "README.md").read_text().split(BLOCKS_OF_A_SHELL)[1:]
    lines = [line for block in blocks for line in block.split("```")[0].splitlines()]
    found = [line.removeprefix(".venv/bin/spanledger ") for line in lines if line.startswith(".venv/bin/spanledger ")]
    return [line for line in found if line.split()[0] not in NOT_HERE]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a user has after a first import."""
    data = tmp_path_factory.mktemp("readme") / "data"
    env = {**os.environ, "SPANLEDGER_DATA": str(data)}
    subprocess.run([PROGRAM, "import", str(SAMPLE)], env=env, check=True, capture_output=True, timeout=60)
    return env


@pytest.mark.parametrize("command", readme_commands())
def test_readme_command_answers_with_the_agent_of_the_sample(command: str, environment: dict[str, str]) -> None:
    done = subprocess.run([PROGRAM, *shlex.split(command)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "weather_agent" in done.stdout


def test_readme_has_commands_to_run() -> None:
    assert {command.split()[0] for command in readme_commands()} == {"runs", "cost", "sql"}

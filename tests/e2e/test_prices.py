"""Prices changed while the service runs, through its door: in force for what comes next, the past on order."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger.samples import sample_directory
from tests.service import PROGRAM, service

pytestmark = pytest.mark.slow

RULES = """
overrides:
  - {id: half, match: {provider: openai}, multiply: "0.5", reason: agreement, author: jane}
"""
LOOP = sample_directory() / "runaway_loop" / "runaway_loop.traces.binpb"
LOOP_USD = Decimal(25)


def test_an_override_and_a_re_rating_go_through_the_service_that_runs(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)

    def run(*words: str) -> str:
        done = subprocess.run([PROGRAM, *words, "--data", one.data], check=True, capture_output=True, text=True)
        return done.stdout

    def spent() -> Decimal:
        return Decimal(json.loads(run("sql", "SELECT sum(cost_usd) AS usd FROM cost_by_agent"))["usd"])

    with service(tmp_path) as one:
        one.start()
        run("import", str(LOOP))
        run("prices", "override", str(tmp_path / "rules.yaml"))
        assert spent() == LOOP_USD
        run("prices", "rerate", "--since", "2020-01-01", "--book", "current")
        assert spent() == LOOP_USD / 2
        run("prices", "override", "--remove", "half")
        run("prices", "rerate", "--since", "2020-01-01", "--book", "current")
        assert spent() == LOOP_USD

"""`demo` and `doctor` as a newcomer runs them."""

import signal
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.slow

DEMO = [sys.executable, "-m", "spanledger", "demo"]
PATIENCE_S = 60


def test_the_demo_prints_what_arrived_and_what_it_cost_in_a_pipe_too() -> None:
    start = time.monotonic()
    ended = subprocess.run(DEMO, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert time.monotonic() - start < PATIENCE_S
    for heading in ("What arrived", "Cost by agent", "Cost by model", "Cost by tool", "Known cost in all: $"):
        assert heading in ended.stdout
    assert "$25.000000" in ended.stdout
    assert ended.stderr == ""


def test_the_demo_can_stay_and_says_where_the_page_is() -> None:
    with subprocess.Popen([*DEMO, "--serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        page = next(line for line in process.stdout if line.startswith("The page: ")).split()[2]
        with urllib.request.urlopen(f"{page}runs", timeout=PATIENCE_S) as answer:
            assert b"invoice_clerk" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_the_doctor_sends_a_span_through(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("doctor") / "data"
    command = [sys.executable, "-m", "spanledger", "doctor", "--data", str(data)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert "a span went through throw-away ledger" in ended.stdout
    assert "a sync takes" in ended.stdout
    assert "BAD" not in ended.stdout
    assert ended.returncode == 0
    assert not data.exists()

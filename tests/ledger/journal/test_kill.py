"""kill -9 of a real process that appends: what it was told was durable is there afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
from tests.ledger.journal.history import read_all

ROOT = Path(__file__).parents[3]
ROUNDS = 5
ACKS = 60

APPEND = """
import sys, pathlib, threading
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng

options = JournalOptions(file_bytes_max=100_000)
writer = JournalWriter.open(DataDir(pathlib.Path(sys.argv[1])), clock=SystemClock(), rng=SystemRng(), options=options)
told = threading.Lock()

def append_for_ever(thread):
    n = 0
    while True:
        n += 1
        body = f"{sys.argv[2]}/{thread}/{n}:" + "x" * (n * 37 % 3000)
        seq = writer.append(Draft("otlp.traces", body.encode()))
        with told:
            print(seq, body.split(":")[0], flush=True)

for thread in range(4):
    threading.Thread(target=append_for_ever, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.durability
@pytest.mark.slow
def test_events_acked_before_kill_minus_9_are_there(tmp_path: Path) -> None:
    data, acked = DataDir(tmp_path), dict[int, bytes]()
    for round_number in range(ROUNDS):
        acked |= _append_until_killed(tmp_path, round_number)
    JournalWriter.open(data, clock=SystemClock(), rng=SystemRng()).close()
    events = read_all(POSIX, data)
    assert [event.event_seq for event in events] == list(range(len(events)))
    assert len(acked) >= ROUNDS * ACKS
    assert {seq: events[seq].body.split(b":")[0] for seq in acked} == acked
    assert [event.kind for event in events].count("restart") == ROUNDS


def _append_until_killed(root: Path, round_number: int) -> dict[int, bytes]:
    command = [sys.executable, "-c", APPEND, str(root), str(round_number)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(ACKS)]
        process.kill()
        lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    return {int(seq): body for seq, body in (line.split() for line in lines)}

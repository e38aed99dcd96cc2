"""SIGKILL under load, again and again, to all processes or to one: nothing acked is lost, nothing counts twice."""

import os
import random
import signal
import statistics
from collections import Counter
from pathlib import Path

import pytest

from tests.durability.load import SMALL_FILES, BareClient, Client, SdkClient
from tests.durability.proof import (
    catch_up,
    cursor_is_within_the_journal,
    holds_exactly_once,
    rebuild_equals_live,
    wait_for_acks,
)
from tests.service import PROCESSES, Service, holds_anything, in_time, service, until

pytestmark = pytest.mark.durability

START_MEDIAN_S = 2.0
START_MAX_S = 5.0
"""The Python exporter gives up after about 7 s of outage."""
DRAIN_S = 3.0
ORPHANS_S = 10.0
RESTART_S = 20.0
ALL = "all"
VICTIMS = (ALL, ALL, "supervisor", *PROCESSES)
BATCHES_MAX = 40
"""Acks between two kills: at least 1, at most so many. Files are sealed, flushed and merged all the while."""


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(20, 1, marks=pytest.mark.timeout(240)),
        pytest.param(300, 2, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_kill_nine_under_load_loses_and_doubles_nothing(kills: int, seed: int, tmp_path: Path) -> None:
    rng, victims = random.Random(seed), Counter[str]()
    with service(tmp_path, settings=SMALL_FILES) as one:
        one.start()
        clients: list[Client] = [BareClient(one.grpc), SdkClient(one.grpc)]
        for client in clients:
            client.start()
        starts = []
        for _ in range(kills):
            wait_for_acks(clients, rng.randrange(1, BATCHES_MAX))
            victim = rng.choice(VICTIMS)
            victims[victim] += 1
            starts += kill(one, victim)
            cursor_is_within_the_journal(one.data)
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    acked = sum(len(record.acked_ids()) for record in records)
    print(f"{kills} kills ({', '.join(f'{n} of {victim}' for victim, n in victims.items())}), {acked} spans acked; "
          f"{len(starts)} starts, {statistics.median(starts):.2f} s median, {max(starts):.2f} s most")  # fmt: skip
    holds_exactly_once(one.data, records)
    rebuild_equals_live(one.data)
    in_time("the median start", statistics.median(starts), START_MEDIAN_S)
    in_time("the longest start", max(starts), START_MAX_S)


def kill(one: Service, victim: str) -> list[float]:
    """Kill it and let it come back; the seconds that a start of the whole took, where there was one."""
    if victim in PROCESSES:
        until(lambda: victim in one.children(), RESTART_S, f"no {victim}")
        was = one.children()[victim]
        was.kill()
        until(lambda: one.children().get(victim, was) != was, RESTART_S, f"no new {victim}")
        return []
    if victim == ALL:
        one.kill()
    else:
        kill_supervisor(one)
    return [one.start()]


def kill_supervisor(one: Service) -> None:
    """The others must end by themselves."""
    assert one.process is not None
    others = one.members()[1:]
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait()
    until(lambda: not any(map(holds_anything, others)), ORPHANS_S, "orphans live on")


@pytest.mark.timeout(120)
def test_sigterm_under_load_drains_and_loses_nothing(tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        clients: list[Client] = [BareClient(one.grpc), BareClient(one.grpc), SdkClient(one.grpc)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        code, seconds = one.terminate()
        one.start()
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    assert code == 0
    in_time("the drain", seconds, DRAIN_S)
    holds_exactly_once(one.data, records)

"""The death of one process of the service is mended and harms no other; the supervisor's takes all with it."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.durability.load import BareClient, SdkClient
from tests.durability.proof import catch_up, holds_exactly_once, wait_for_acks
from tests.service import PROCESSES, Service, healthy, service, until

pytestmark = pytest.mark.durability

RESTART_S = 15.0
ORPHANS_S = 10.0


def is_replaced(one: Service, name: str, was: psutil.Process) -> bool:
    now = one.children()
    return set(now) == set(PROCESSES) and now[name] != was


@pytest.mark.parametrize("name", PROCESSES)
def test_one_process_killed_under_load_comes_back_and_the_others_stay(name: str, tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        clients = [BareClient(one.grpc), SdkClient(one.grpc)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        before = one.children()
        before[name].kill()
        until(lambda: is_replaced(one, name, before[name]), RESTART_S, f"no new {name}")
        until(lambda: healthy(one.api), RESTART_S, "the API does not answer")
        wait_for_acks(clients)
        after = one.children()
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    assert {other for other in PROCESSES if after[other] != before[other]} == {name}
    holds_exactly_once(one.data, records)


def test_no_process_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        orphans = list(one.children().values())
        assert one.process is not None
        os.kill(one.process.pid, signal.SIGKILL)
        one.process.wait()
        _, alive = psutil.wait_procs(orphans, timeout=ORPHANS_S)
        assert alive == []
        one.start()
        assert one.terminate()[0] == 0

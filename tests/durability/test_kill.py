"""SIGKILL to the whole program under load, again and again: nothing acked is lost, nothing counts twice."""

import statistics
from pathlib import Path

import pytest

from tests.durability.load import BareClient, Client, SdkClient
from tests.durability.proof import catch_up, holds_exactly_once, rebuild_equals_live, wait_for_acks
from tests.service import Service, service

pytestmark = pytest.mark.durability

START_MEDIAN_S = 2.0
START_MAX_S = 5.0
"""The Python exporter gives up after about 7 s of outage."""
DRAIN_S = 3.0


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(20, marks=pytest.mark.timeout(240)),
        pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    ],
)
def test_kill_nine_under_load_loses_and_doubles_nothing(kills: int, tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        clients = [BareClient(one.grpc), SdkClient(one.grpc)]
        starts = kill_again_and_again(one, clients, kills)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    acked = sum(len(record.acked_ids()) for record in records)
    print(
        f"{kills} kills, {acked} spans acked; starts {statistics.median(starts):.2f} s median, {max(starts):.2f} s most"
    )
    assert all(len(record.acked) > kills for record in records)
    holds_exactly_once(one.data, records)
    assert statistics.median(starts) <= START_MEDIAN_S
    assert max(starts) <= START_MAX_S
    rebuild_equals_live(one.data)


def kill_again_and_again(one: Service, clients: list[Client], kills: int) -> list[float]:
    """Kills the service whenever the clients together got some more acks; seconds that each start took."""
    for client in clients:
        client.start()
    starts = []
    for _ in range(kills):
        wait_for_acks(clients)
        one.kill()
        starts.append(one.start())
    wait_for_acks(clients)
    return starts


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
    assert seconds <= DRAIN_S
    holds_exactly_once(one.data, records)

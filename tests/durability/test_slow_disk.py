"""A slow disk slows acks and nothing else: answers stay quick, more calls share a sync, and nobody is refused."""

import http.client
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.durability.faults import faults, needs_strace
from tests.durability.load import BareClient, Client
from tests.durability.proof import acks, catch_up, holds_exactly_once, wait_for_acks
from tests.service import Service, service, until

pytestmark = [pytest.mark.durability, needs_strace, pytest.mark.timeout(120)]

SYNC_S = 0.5
RULE = f"fdatasync,fsync:delay_enter={SYNC_S * 1e6:.0f}"
CLIENTS = 8
SLOW_GROUPS = 6
"""Long enough to ask a few hundred questions meanwhile."""
QUICK_BATCHES = 400
ANSWER_MEDIAN_S = 0.25
"""Or not much longer than on a quick disk, where the machine is busy with other things."""
PATHS = ("/healthz", "/api/v1/runs")


def test_a_slow_disk_slows_acks_and_nothing_else(tmp_path: Path) -> None:
    with service(tmp_path) as one:
        one.start()
        clients: list[Client] = [BareClient(one.grpc) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        catch_up(one.data)
        processes = one.children()
        until(lambda: (one.data / "run" / "collector.json").is_file(), 10, "no counters")
        quick = ask_until(one, lambda: acks(clients) >= QUICK_BATCHES)
        with faults(tmp_path / "strace", RULE, processes["collector"], processes["poster"]):
            before, began = fresh_stats(one), acks(clients)
            answers = ask_until(one, lambda: acks(clients) >= began + CLIENTS * SLOW_GROUPS)
            after = journal_stats(one)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
        holds_exactly_once(one.data, records)
    slow = acks_that_took(clients, SYNC_S)
    group = (after["journal_appended_events"] - before["journal_appended_events"]) / max(
        1, after["journal_groups"] - before["journal_groups"]
    )
    for path, took in answers.items():
        usual_s, slow_s = statistics.median(quick[path]), statistics.median(took)
        print(
            f"{path}: {usual_s * 1e3:.0f} ms median before; {slow_s * 1e3:.0f} ms, p99 {p99(took) * 1e3:.0f} ms, while"
        )
        assert slow_s <= max(ANSWER_MEDIAN_S, 1.5 * usual_s), path
    print(f"acks: {statistics.median(slow):.2f} s median; {group:.1f} events in a group; no error")
    assert [client.failures for client in clients] == [0] * CLIENTS
    assert len(slow) >= CLIENTS * (SLOW_GROUPS - 2)
    assert group >= CLIENTS / 4, "groups do not grow"


def test_past_the_bound_of_the_queue_a_slow_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    settings = {"journal.queue_events_max": 2, "collector.hold_s": 0.2}
    with service(tmp_path, settings=settings) as one:
        one.start()
        clients: list[Client] = [BareClient(one.grpc) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        with faults(tmp_path / "strace", RULE, one.children()["collector"]):
            until(lambda: sum(client.failures for client in clients) >= 3 * CLIENTS, 30, "nobody is refused")
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
        holds_exactly_once(one.data, records)
    assert set().union(*(record.errors() for record in records)) == {"UNAVAILABLE"}


def ask_until(one: Service, enough: Callable[[], bool]) -> dict[str, list[float]]:
    """Seconds that each answer took, by path; asked one after the other, every one answered with 200."""
    took: dict[str, list[float]] = {path: [] for path in PATHS}
    connection = http.client.HTTPConnection(one.api, timeout=10)
    try:
        until(lambda: ask(connection, took) and enough(), 60, "the acks come too slowly")
    finally:
        connection.close()
    return took


def ask(connection: http.client.HTTPConnection, took: dict[str, list[float]]) -> bool:
    for path, seconds in took.items():
        began_s = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        seconds.append(time.monotonic() - began_s)
    return True


def fresh_stats(one: Service) -> dict[str, int]:
    """The counters as they are left next: those of before are mostly of groups on a quick disk."""
    path = one.data / "run" / "collector.json"
    known = path.stat().st_mtime_ns
    until(lambda: path.stat().st_mtime_ns != known, 20, "no new counters")
    return journal_stats(one)


def journal_stats(one: Service) -> dict[str, int]:
    found: dict[str, int] = json.loads((one.data / "run" / "collector.json").read_text())
    return found


def acks_that_took(clients: Sequence[Client], least_s: float) -> list[float]:
    took = [
        export.ended_s - export.began_s
        for client in clients
        for export in client.record.exports
        if export.ended_s is not None and not export.error
    ]
    return [seconds for seconds in took if seconds >= least_s]


def p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]

"""Errors of the disk in the running service: no ack after one on that file, nothing lost, and the log says why."""

from pathlib import Path

import pytest

from tests.durability.faults import Call, calls, faults, hits, needs_strace
from tests.durability.load import SMALL_FILES, BareClient, Client
from tests.durability.proof import acks, catch_up, holds_exactly_once, rebuild_equals_live, wait_for_acks
from tests.service import Service, healthy, service, until

pytestmark = [pytest.mark.durability, needs_strace, pytest.mark.timeout(120)]

IMPATIENT = SMALL_FILES | {"collector.hold_s": 0.0}
"""Calls are not held: the clients are told of each group that the disk did not take."""


def loaded(one: Service) -> list[Client]:
    """Clients that send, and a ledger that has posted something."""
    clients: list[Client] = [BareClient(one.grpc), BareClient(one.grpc)]
    for client in clients:
        client.start()
    wait_for_acks(clients)
    catch_up(one.data)
    return clients


def nothing_is_lost(one: Service, clients: list[Client]) -> None:
    wait_for_acks(clients)
    records = [client.finish() for client in clients]
    catch_up(one.data)
    assert one.terminate()[0] == 0
    holds_exactly_once(one.data, records)
    rebuild_equals_live(one.data)
    assert set().union(*(record.errors() for record in records)) <= {"UNAVAILABLE"}


JOURNAL_RULES = (
    "fdatasync:error=EIO:when=3",
    "fdatasync:error=EIO:when=2+4",
    "fdatasync:error=EIO",
    "pwritev2:error=EIO:when=3",
    "pwritev2:error=ENOSPC:when=2+3",
    "fsync:error=EIO",
)
"""The n-th call, every n-th, each one; fsync is that of a directory, once a file is begun."""


def test_after_an_error_of_the_journal_nothing_is_acked_on_that_file(tmp_path: Path) -> None:
    with service(tmp_path, settings=IMPATIENT) as one:
        one.start()
        clients, processes = loaded(one), one.children()
        for n, rule in enumerate(JOURNAL_RULES):
            strace, failures = tmp_path / f"strace{n}", sum(client.failures for client in clients)
            with faults(strace, rule, processes["collector"]):
                until(
                    lambda log=strace: [call for call in hits(log) if "/journal" in call.path], 20, f"{rule}: no fault"
                )
                until(lambda was=failures: sum(client.failures for client in clients) > was, 20, "no client was told")
            wait_for_acks(clients)
            print(f"{rule}: {len(hits(strace))} faults, {acks(clients)} batches acked")
            if rule.startswith("fdatasync"):
                no_file_is_synced_after_a_failed_sync(calls(strace))
        assert one.children() == processes
        nothing_is_lost(one, clients)
        log = one.log.read_text()
    assert "cannot be written, senders are told to come again: [Errno 5] Input/output error" in log
    assert "journal: written again" in log


def no_file_is_synced_after_a_failed_sync(made: list[Call]) -> None:
    failed = set[str]()
    for call in made:
        if call.name == "unlink":  # a file that could not be begun is begun anew under its name
            failed.discard(call.path)
            continue
        assert call.path not in failed, f"{call.path} was synced again after a sync of it had failed"
        if call.hit and call.path.endswith(".journal"):
            failed.add(call.path)


POSTER_RULES = ("fdatasync,fsync:error=EIO", "pwrite64:error=EIO", "pread64:error=EIO", "openat:error=EIO")


def test_a_poster_whose_disk_fails_waits_and_everything_else_goes_on(tmp_path: Path) -> None:
    with service(tmp_path, settings=SMALL_FILES) as one:
        one.start()
        clients, processes = loaded(one), one.children()
        for n, rule in enumerate(POSTER_RULES):
            strace = tmp_path / f"strace{n}"
            with faults(strace, rule, processes["poster"]):
                until(lambda so_far=n: count(one, "poster error: posting waits") > so_far, 20, f"{rule}: no word of it")
                wait_for_acks(clients)
                assert healthy(one.api)
            until(lambda so_far=n: count(one, "poster warning: posting goes on") > so_far, 20, f"{rule}: no end of it")
            print(f"{rule} in the poster: {len(hits(strace))} faults, {acks(clients)} batches acked")
        assert one.children() == processes
        nothing_is_lost(one, clients)
        assert count(one, "posting waits") == len(POSTER_RULES), "the log is flooded"


def count(one: Service, words: str) -> int:
    return one.log.read_text().count(words)

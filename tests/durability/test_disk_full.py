"""A disk that another program fills: refused with leave to retry, answered as ever, and taken again once there is room.

On a file system of its own, filled to the last block while files are sealed, flushed and merged several times a second.
"""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from tests.durability.disks import LoopDisk, loop_disk, needs_loop
from tests.durability.load import EXPORT, SMALL_FILES, BareClient, Client, SdkClient
from tests.durability.proof import acks, catch_up, holds_exactly_once, rebuild_equals_live, wait_for_acks
from tests.service import Service, healthy, in_time, service, until

pytestmark = [pytest.mark.durability, needs_loop, pytest.mark.timeout(120)]

DISK_MIB = 64
RESUMED_S = 2.0
LOG_LINES_MAX = 12
"""Of one full disk, in all processes together: what is wrong, and that it is over."""
SHORT_S = 3.0
"""A full disk that an exporter with its default settings lives through: it gives up after some 7 s."""


@contextmanager
def filled(disk: LoopDisk, one: Service, clients: list[Client]) -> Iterator[None]:
    """The disk is full to the last block within the block, and every process is the same one afterwards."""
    before = one.children()
    disk.fill()
    yield
    disk.empty()
    assert one.children() == before, "a process was restarted"


def resumed(one: Service, clients: list[Client]) -> tuple[float, float]:
    """Seconds until the next ack, and until all that was durable at that moment is posted."""
    began_s, before = time.monotonic(), acks(clients)
    until(lambda: acks(clients) > before, 30, "no ack after the disk had room again")
    acked_s = time.monotonic() - began_s
    catch_up(one.data)
    return acked_s, time.monotonic() - began_s


def log_lines(one: Service) -> list[str]:
    return [line for line in one.log.read_text().splitlines() if " error: " in line or " warning: " in line]


def test_a_full_disk_is_backpressure_and_ends_by_itself(tmp_path: Path) -> None:
    settings = SMALL_FILES | {"collector.hold_s": 0.5}
    with (
        loop_disk(tmp_path, DISK_MIB) as disk,
        service(tmp_path, disk.target / "data", settings=settings) as one,
    ):
        one.start()
        clients: list[Client] = [BareClient(one.grpc), BareClient(one.grpc)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        catch_up(one.data)
        with filled(disk, one, clients):
            is_refused_over_grpc(one)
            is_refused_over_http(one)
            before = acks(clients)
            answers_as_ever(one)
            until(lambda: all(client.failures for client in clients), 30, "the clients are not refused")
            assert acks(clients) == before
        acked_s, posted_s = resumed(one, clients)
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        lines = log_lines(one)
        assert one.terminate()[0] == 0
        holds_exactly_once(one.data, records)
        rebuild_equals_live(one.data)
    print(f"full disk: acks again after {acked_s:.2f} s, posted after {posted_s:.2f} s, {len(lines)} lines of log")
    assert {error for client in records for error in client.errors()} == {"UNAVAILABLE"}
    in_time("the next ack", acked_s, RESUMED_S)
    in_time("posting", posted_s, RESUMED_S)
    assert len(lines) <= LOG_LINES_MAX, "\n".join(lines)


def is_refused_over_grpc(one: Service) -> None:
    _, body = BareClient(one.grpc).batch()
    with grpc.insecure_channel(one.grpc) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(EXPORT)(body, timeout=10)
    error = refused.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "bytes free" in error.details()
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    retry = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1800


def is_refused_over_http(one: Service) -> None:
    _, body = BareClient(one.grpc).batch()
    connection = http.client.HTTPConnection(one.http, timeout=10)
    try:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Retry-After")) == (503, "2")
        assert "bytes free" in status_pb2.Status.FromString(answer.read()).message
    finally:
        connection.close()


def answers_as_ever(one: Service) -> None:
    assert healthy(one.api)
    connection = http.client.HTTPConnection(one.api, timeout=10)
    try:
        for path in ("/readyz", "/api/v1/runs", "/metrics"):
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (path, body)
            if path == "/api/v1/runs":
                assert json.loads(body)["items"]
    finally:
        connection.close()


def test_the_python_sdk_loses_nothing_in_a_short_full_disk(tmp_path: Path) -> None:
    with (
        loop_disk(tmp_path, DISK_MIB) as disk,
        service(tmp_path, disk.target / "data", settings=SMALL_FILES) as one,
    ):
        one.start()
        clients: list[Client] = [SdkClient(one.grpc), SdkClient(one.grpc)]
        for client in clients:
            client.start()
        wait_for_acks(clients)
        with filled(disk, one, clients):
            over_s = time.monotonic() + SHORT_S
            until(lambda: time.monotonic() > over_s, SHORT_S + 1, "time does not pass")
        resumed(one, clients)
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
        holds_exactly_once(one.data, records)
    assert [client.failures for client in clients] == [0, 0]
    assert all(record.acked == record.sent for record in records)


def test_a_service_starts_and_answers_on_a_full_disk_and_takes_spans_once_there_is_room(tmp_path: Path) -> None:
    with (
        loop_disk(tmp_path, DISK_MIB) as disk,
        service(tmp_path, disk.target / "data", settings=SMALL_FILES | {"collector.hold_s": 0.5}) as one,
    ):
        one.start()
        clients: list[Client] = [BareClient(one.grpc)]
        clients[0].start()
        wait_for_acks(clients)
        one.kill()
        disk.fill()
        seconds = one.start()
        is_refused_over_grpc(one)
        assert healthy(one.api)
        disk.empty()
        acked_s, posted_s = resumed(one, clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        until((one.data / "run" / "serve.json").is_file, 5, "commands do not find the service")
        assert one.terminate()[0] == 0
        holds_exactly_once(one.data, records)
    print(f"full disk at the start: serving after {seconds:.2f} s, acks {acked_s:.2f} s, posted {posted_s:.2f} s later")
    in_time("posting", posted_s, RESUMED_S)

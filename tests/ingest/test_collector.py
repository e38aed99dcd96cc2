"""The collector as a whole: where it listens, how it starts and stops, what it counts, and with the real journal."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.addresses import Address, PortTaken
from ingest.collector import Collector, CollectorOptions
from ledger.errors import Refused
from ledger.journal.append import JournalWriter
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng
from tests.ingest import otlp
from tests.ingest.doors import MemoryJournal, grpc_failure, open_door, wait_for


def build(path: Path, **options: object) -> Collector:
    return Collector(DataDir(path), CollectorOptions(**options), MemoryJournal(), clock=SystemClock())  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "10.0.0.1:4317", "example.org:4317"])
@pytest.mark.parametrize(("field", "flag"), [("otlp_grpc", "--otlp-grpc"), ("otlp_http", "--otlp-http")])
def test_an_open_door_must_be_asked_for(tmp_path: Path, address: str, field: str, flag: str) -> None:
    with pytest.raises(Refused, match=f"{flag}.*loopback.*--insecure"):
        build(tmp_path, **{field: address})
    build(tmp_path, **{field: address}, insecure=True)


def test_with_insecure_all_interfaces_are_served(tmp_path: Path) -> None:
    with open_door(tmp_path, otlp_grpc="0.0.0.0:0", otlp_http="0.0.0.0:0", insecure=True) as door:
        ports = [address.rpartition(":")[2] for address in (door.addresses.otlp_grpc, door.addresses.otlp_http)]
        assert all(int(port) > 0 for port in ports)


def test_localhost_is_served_at_every_address_it_has(tmp_path: Path) -> None:
    with open_door(tmp_path, otlp_grpc="localhost:0", otlp_http="localhost:0") as door:
        assert door.export("grpc", "traces", b"").code == "OK"
        port = int(door.addresses.otlp_http.rpartition(":")[2])
        for found in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
            with socket.socket(found[0], socket.SOCK_STREAM) as client:
                client.settimeout(5)
                client.connect(found[4])


@pytest.mark.parametrize(("field", "flag"), [("otlp_grpc", "--otlp-grpc"), ("otlp_http", "--otlp-http")])
def test_an_address_of_another_machine_is_refused_naming_the_flag(tmp_path: Path, field: str, flag: str) -> None:
    free = {"otlp_grpc": "127.0.0.1:0", "otlp_http": "127.0.0.1:0", "insecure": True}
    collector = build(tmp_path, **(free | {field: "192.0.2.1:0"}))
    with pytest.raises(Refused, match=rf"{flag} 192\.0\.2\.1:0 is no address of this machine"):
        collector.start()


@pytest.mark.parametrize("text", ["4317", "localhost", "127.0.0.1:", ":4317", "127.0.0.1:99999", "127.0.0.1:-1", ""])
def test_a_malformed_address_is_refused_naming_the_flag(text: str) -> None:
    with pytest.raises(Refused, match=r"--otlp-grpc.*HOST:PORT"):
        Address.parse(text, "--otlp-grpc")


def test_an_ipv6_address_is_written_with_brackets() -> None:
    assert str(Address.parse("[::1]:4317", "--otlp-grpc")) == "[::1]:4317"
    assert Address.parse("localhost:0", "--otlp-grpc").is_loopback()


@pytest.mark.parametrize(("field", "flag"), [("otlp_grpc", "--otlp-grpc"), ("otlp_http", "--otlp-http")])
def test_a_taken_port_is_named_with_its_flag_and_holder(tmp_path: Path, field: str, flag: str) -> None:
    with open_door(tmp_path) as door:
        taken = getattr(door.addresses, field)
        free = {"otlp_grpc": "127.0.0.1:0", "otlp_http": "127.0.0.1:0"}
        collector = build(tmp_path, **(free | {field: taken}))
        with pytest.raises(PortTaken) as raised:
            collector.start()
    message = str(raised.value)
    assert taken in message
    assert flag in message
    if sys.platform == "linux":
        assert f"process {os.getpid()} (" in message


@pytest.mark.parametrize(
    ("name", "value"), [("request_bytes_max", 0), ("hold_s", -1.0), ("memory_bytes_max", 5000), ("door_threads", 0)]
)
def test_an_option_out_of_range_is_named(tmp_path: Path, name: str, value: float) -> None:
    with pytest.raises(Refused, match=name):
        build(tmp_path, **{name: value})


def test_both_ports_answer_soon_after_the_start(tmp_path: Path) -> None:
    started = time.monotonic()
    with open_door(tmp_path) as door:
        assert door.export("grpc", "traces", b"").code == "OK"
        assert door.export("http", "traces", b"").code == "OK"
        assert time.monotonic() - started < 2.0


@pytest.mark.slow
def test_a_process_answers_within_two_seconds_of_its_start() -> None:
    script = "import ingest.collector, ingest.control, sys; print(len(sys.modules))"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert time.monotonic() - started < 2.0


def test_stopping_twice_and_without_a_start_is_harmless(tmp_path: Path) -> None:
    build(tmp_path).stop()
    with open_door(tmp_path) as door:
        door.collector.stop()
        door.collector.stop()


def test_the_ports_are_free_again_after_a_stop(tmp_path: Path) -> None:
    with open_door(tmp_path) as first:
        addresses = first.addresses
    with open_door(tmp_path, otlp_grpc=addresses.otlp_grpc, otlp_http=addresses.otlp_http) as second:
        assert second.addresses == addresses
        assert second.export("http", "traces", b"").code == "OK"


def test_what_was_taken_and_refused_is_counted(tmp_path: Path) -> None:
    with open_door(tmp_path) as door:
        body = otlp.envelope(otlp.ids(), otlp.ids(b"", b""))
        door.export("grpc", "traces", body)
        door.export("http", "logs", b"\xff")
        stats = door.collector.stats()
    assert stats['requests_accepted_total{signal="traces",transport="grpc"}'] == 1
    assert stats['records_accepted_total{signal="traces",transport="grpc"}'] == 1
    assert stats['records_rejected_total{signal="traces",transport="grpc"}'] == 1
    assert stats['body_bytes_total{signal="traces",transport="grpc"}'] == len(body)
    assert stats['requests_refused_total{signal="logs",transport="http",code="3"}'] == 1
    assert stats["admission_reserved_bytes"] == stats["admission_waiting_calls"] == 0


@pytest.mark.parametrize("transport", ["grpc", "http", "json"])
def test_an_ack_means_that_a_reader_of_the_journal_sees_the_bytes(tmp_path: Path, transport: str) -> None:
    data = DataDir(tmp_path)
    body = otlp.JSON_REQUESTS["traces"] if transport == "json" else otlp.request("traces")
    with (
        JournalWriter.open(data, clock=SystemClock(), rng=SystemRng()) as journal,
        open_door(tmp_path, journal) as door,
    ):
        assert door.export(transport, "traces", body).code == "OK"
        reader = JournalReader(data)
        event = reader.get(reader.durable_seq())
        reader.close()
    assert (event.kind, event.body, event.tenant, event.principal) == ("otlp.traces", body, "default", "anonymous")


def test_a_sender_that_waits_behind_a_slow_disk_is_held_and_then_acked(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, request_bytes_max=1 << 16, memory_bytes_max=220_000) as door:
        journal.hold()
        first = [door.method("traces").future(bytes_of(30_000), timeout=10) for _ in range(2)]
        assert journal.came.acquire(timeout=5)
        later = door.method("traces").future(bytes_of(30_000), timeout=10)
        wait_for(lambda: door.collector.stats()["admission_waiting_calls"])
        journal.release()
        assert [call.result(timeout=5) for call in (*first, later)] == [b"", b"", b""]
        assert door.collector.stats()["admission_held_calls_total"] >= 1


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_a_sender_that_waits_too_long_is_refused_with_a_delay(tmp_path: Path, transport: str) -> None:
    journal = MemoryJournal()
    options = {"request_bytes_max": 1 << 16, "memory_bytes_max": 220_000, "hold_s": 0.2}
    with open_door(tmp_path, journal, **options) as door:
        journal.hold()
        stuck = door.method("traces").future(bytes_of(60_000), timeout=10)
        assert journal.came.acquire(timeout=5)
        reply = door.export(transport, "traces", bytes_of(60_000))
        assert reply.code == "UNAVAILABLE"
        assert reply.retry_s == (1.8 if transport == "grpc" else 2.0)
        journal.release()
        assert stuck.result(timeout=5) == b""
        assert door.export(transport, "traces", bytes_of(60_000)).code == "OK"


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_what_the_disk_has_not_begun_to_write_in_time_is_taken_back_and_refused(tmp_path: Path, transport: str) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, hold_s=0.2) as door:
        journal.hold(writing=False)
        reply = door.export(transport, "traces", bytes_of(100))
        assert reply.code == "UNAVAILABLE"
        assert reply.retry_s is not None
        journal.release()
        assert door.export(transport, "traces", bytes_of(100)).code == "OK"
    assert not door.collector.stats()["admission_reserved_bytes"]


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_while_the_disk_has_work_for_too_long_a_sender_is_refused_at_once_with_a_delay(
    tmp_path: Path, transport: str
) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal) as door:
        journal.backlog_s = 0.6
        reply = door.export(transport, "traces", bytes_of(4_000_000))
        assert reply.code == "UNAVAILABLE"
        assert reply.retry_s == (1.8 if transport == "grpc" else 2.0)
        assert "the disk has work for 0.6 s already" in reply.message
        journal.backlog_s = 0.4
        assert door.export(transport, "traces", bytes_of(100)).code == "OK"
        stats = door.collector.stats()
    assert stats["backlog_refused_total"] == 1
    assert not stats["admission_reserved_bytes"]


def test_what_was_let_in_before_the_disk_turned_out_to_be_slow_is_taken_back_after_a_second(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, hold_s=30.0) as door:
        journal.hold(writing=False)
        waiting = door.method("traces").future(bytes_of(100), timeout=20)
        assert journal.came.acquire(timeout=5)
        journal.backlog_s = 3.0
        assert grpc_failure(waiting.exception(timeout=15)).code == "UNAVAILABLE"
        journal.release()


def test_a_held_call_is_refused_before_its_own_deadline(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with open_door(tmp_path, journal, request_bytes_max=1 << 16, memory_bytes_max=220_000) as door:
        journal.hold()
        stuck = door.method("traces").future(bytes_of(60_000), timeout=10)
        assert journal.came.acquire(timeout=5)
        assert door.export("grpc", "traces", bytes_of(60_000), timeout_s=1.3).code == "UNAVAILABLE"
        journal.release()
        stuck.result(timeout=5)


def bytes_of(size: int) -> bytes:
    body: bytes = otlp.traces(1, "x" * size).SerializeToString()
    return body

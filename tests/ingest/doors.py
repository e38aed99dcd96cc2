"""A running collector in front of a journal in memory, and clients of both transports that answer in the same words."""

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

from ingest.collector import Addresses, Collector, CollectorOptions
from ingest.signals import SIGNALS
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.seams import SystemClock

PROTOBUF, JSON = "application/x-protobuf", "application/json"
GRPC_CODES = {3: "INVALID_ARGUMENT", 8: "RESOURCE_EXHAUSTED", 14: "UNAVAILABLE", 5: "NOT_FOUND", 12: "UNIMPLEMENTED"}
HTTP_CODES = {400: "INVALID_ARGUMENT", 413: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 200: "OK", 404: "NOT_FOUND"}
SIGNAL = {signal.name: signal for signal in SIGNALS}


class MemoryJournal:
    """Keeps drafts; `hold()` makes them wait as a slow disk would, `fail` and `fail_first` answer with errors."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.backlog_s = 0.0
        self.fail: BaseException | None = None
        self.fail_first: list[BaseException] = []
        self._held: list[Future[int]] | None = None
        self._writing = True
        self._lock = threading.Lock()
        self.came = threading.Semaphore(0)

    def submit(self, draft: Draft) -> "Future[int]":
        future: Future[int] = Future()
        with self._lock:
            error = self.fail_first.pop(0) if self.fail_first else self.fail
            if error is not None:
                future.set_exception(error)
                return future
            self.drafts.append(draft)
            if self._held is None:
                future.set_result(len(self.drafts))
            else:
                if self._writing:
                    future.set_running_or_notify_cancel()
                self._held.append(future)
        self.came.release()
        return future

    def withdraw(self, future: "Future[int]") -> None:
        future.cancel()

    def hold(self, writing: bool = True) -> None:
        """Resolve nothing until `release`; what comes is being written meanwhile, or still in the queue."""
        self._held, self._writing = [], writing

    def release(self) -> None:
        with self._lock:
            held, self._held = self._held or [], None
        for future in held:
            if future.running() or future.set_running_or_notify_cancel():
                future.set_result(1)

    def bodies(self, kind: str) -> list[bytes]:
        return [draft.body for draft in self.drafts if draft.kind == kind]


@dataclass(frozen=True)
class Reply:
    """An answer in the words of gRPC, whichever transport it came over."""

    code: str
    message: str = ""
    rejected: int = 0
    partial: bool = False
    retry_s: float | None = None
    details: tuple[Any, ...] = ()
    http_status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Client:
    """A sender over all transports, to a collector wherever it runs."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.channel = grpc.insecure_channel(addresses.otlp_grpc, options=[("grpc.max_send_message_length", -1)])

    def close(self) -> None:
        self.channel.close()

    def method(self, signal: str) -> Any:
        return self.channel.unary_unary(f"/{SIGNAL[signal].service}/Export")

    def export(self, transport: str, signal: str, body: bytes, timeout_s: float = 10.0) -> Reply:
        """`transport`: grpc, http (protobuf) or json."""
        if transport == "grpc":
            return self.grpc(signal, body, timeout_s)
        return self.http(f"/v1/{signal}", body, {"Content-Type": JSON if transport == "json" else PROTOBUF}, timeout_s)

    def grpc(self, signal: str, body: bytes, timeout_s: float = 10.0, **options: Any) -> Reply:
        try:
            return _success(signal, self.method(signal)(body, timeout=timeout_s, **options))
        except grpc.RpcError as error:
            return grpc_failure(error)

    def http(
        self, path: str, body: Any, headers: Mapping[str, str], timeout_s: float = 10.0, method: str = "POST"
    ) -> Reply:
        host, _, port = self.addresses.otlp_http.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return http_reply(path, response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()


class Door(Client):
    """A collector on free ports in this process, and a sender to it."""

    def __init__(self, collector: Collector, journal: Any) -> None:
        self.collector = collector
        self.journal = journal
        super().__init__(collector.start())

    def close(self) -> None:
        super().close()
        self.collector.stop(1.0)


def grpc_failure(error: Any) -> Reply:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    retry_s = None
    if "google.rpc.retryinfo-bin" in trailers:
        retry_s = _seconds(error_details_pb2.RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]))
    return Reply(error.code().name, error.details() or "", retry_s=retry_s, details=tuple(unpack(status)))


def http_reply(path: str, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    headers = {name.lower(): value for name, value in headers.items()}
    as_json = headers.get("content-type") == JSON
    common = {"http_status": status, "headers": headers, "body": body}
    if status == 200:
        signal = path.partition("?")[0].strip("/").removeprefix("v1/")
        response = SIGNAL[signal].response()
        wire = json_format.Parse(body, response).SerializeToString() if as_json else body
        reply = _success(signal, wire)
        return Reply(reply.code, reply.message, reply.rejected, reply.partial, **common)
    parsed = status_pb2.Status()
    json_format.Parse(body, parsed) if as_json else parsed.ParseFromString(body)
    retry_s = float(headers["retry-after"]) if "retry-after" in headers else None
    code = HTTP_CODES.get(status, str(status))
    return Reply(code, parsed.message, retry_s=retry_s, details=tuple(unpack(parsed)), **common)


def unpack(status: Any) -> Iterator[Any]:
    for packed in status.details:
        kind = {"RetryInfo": error_details_pb2.RetryInfo, "BadRequest": error_details_pb2.BadRequest}
        detail = kind[packed.type_url.rpartition(".")[2]]()
        assert packed.Unpack(detail)
        yield detail


def _success(signal: str, wire: bytes) -> Reply:
    response = SIGNAL[signal].response()
    response.ParseFromString(wire)
    partial = response.partial_success
    rejected = getattr(partial, SIGNAL[signal].rejected_field)
    return Reply("OK", partial.error_message, rejected, response.HasField("partial_success"), body=wire)


def _seconds(info: Any) -> float:
    return info.retry_delay.seconds + info.retry_delay.nanos / 1e9


@contextlib.contextmanager
def open_door(path: Path, journal: Any = None, **options: Any) -> Iterator[Door]:
    """A collector with these options, stopped at the end."""
    journal = journal or MemoryJournal()
    options = {"otlp_grpc": "127.0.0.1:0", "otlp_http": "127.0.0.1:0"} | options
    door = Door(Collector(DataDir(path), CollectorOptions(**options), journal, clock=SystemClock()), journal)
    try:
        yield door
    finally:
        if isinstance(journal, MemoryJournal):
            journal.release()
        door.close()


def wait_for(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Until `condition` is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)

"""Sixty-four clients at once over both transports, with requests from one span to four MiB, and what became of each."""

import http.client
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import psutil

from tests.durability.load import EXPORT, span
from tests.ingest import otlp
from tests.ingest.doors import PROTOBUF

CLIENTS = 64
BODY_BYTES = (0, 0, 0, 0, 40_000, 40_000, 400_000, 4_000_000)
"""Of padding: half of the requests are one span and little else."""
CALL_S = 30.0
OK, UNAVAILABLE = "OK", "UNAVAILABLE"
HTTP_CODES = {200: OK, 503: UNAVAILABLE}


@dataclass
class Crowd:
    """Answers by the id of the one span that each request holds."""

    grpc_address: str
    http_address: str
    answers: dict[bytes, str] = field(default_factory=dict)
    acked_after_s: list[float] = field(default_factory=list)
    sent_bytes: int = 0
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float) -> None:
        with grpc.insecure_channel(self.grpc_address, options=[("grpc.max_send_message_length", -1)]) as channel:
            call = channel.unary_unary(EXPORT)
            clients = [threading.Thread(target=self.client, args=(n, call)) for n in range(CLIENTS)]
            for client in clients:
                client.start()
            self.ending.wait(seconds)
            self.ending.set()
            for client in clients:
                client.join()

    def client(self, number: int, call: grpc.UnaryUnaryMultiCallable) -> None:
        turn = number
        while not self.ending.is_set():
            span_id = (number + 1).to_bytes(4, "big") + turn.to_bytes(4, "big")
            body = request(b"\1" * 8 + span_id, span_id, BODY_BYTES[turn % len(BODY_BYTES)])
            began = time.monotonic()
            code = self.over_grpc(call, body) if turn % 2 else self.over_http(body)
            self.answers[span_id] = code
            self.sent_bytes += len(body)
            if code == OK:
                self.acked_after_s.append(time.monotonic() - began)
            turn += 1

    def over_grpc(self, call: grpc.UnaryUnaryMultiCallable, body: bytes) -> str:
        try:
            call(body, timeout=CALL_S)
        except grpc.RpcError as error:
            return str(error.code().name)
        return OK

    def over_http(self, body: bytes) -> str:
        host, _, port = self.http_address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=CALL_S)
        try:
            connection.request("POST", "/v1/traces", body, {"Content-Type": PROTOBUF})
            status = connection.getresponse().status
        finally:
            connection.close()
        return HTTP_CODES.get(status, str(status))

    def with_answer(self, code: str) -> set[str]:
        return {span_id.hex() for span_id, answer in self.answers.items() if answer == code}

    def said(self) -> str:
        parts = statistics.quantiles(self.acked_after_s, n=100)
        acked, refused = len(self.with_answer(OK)), len(self.with_answer(UNAVAILABLE))
        return (
            f"{len(self.answers)} sent ({self.sent_bytes >> 20} MiB), {acked} acked, {refused} refused, "
            f"{len(self.answers) - acked - refused} other; ack p50 {parts[49]:.3f} s, p99 {parts[98]:.3f} s"
        )


def request(trace_id: bytes, span_id: bytes, padding_bytes: int) -> bytes:
    wire = span(trace_id[:16], span_id).SerializeToString()
    return otlp.envelope(wire + otlp.string_attribute(b"app.padding", b"x" * padding_bytes))


class Watch(threading.Thread):
    """The most resident memory that a process was seen with, bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.over, self.peak_bytes = psutil.Process(pid), threading.Event(), 0

    def run(self) -> None:
        while not self.over.wait(0.01):
            self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)

    def finish(self) -> int:
        self.over.set()
        self.join()
        return self.peak_bytes


def stored(data: Path) -> list[str]:
    """Span ids in SQL."""
    from ledger.paths import DataDir
    from queries.connect import connect

    connection = connect(DataDir(data))
    try:
        return [str(row[0]) for row in connection.execute("SELECT span_id FROM spans").fetchall()]
    finally:
        connection.close()

"""Sixty-four clients at once over both transports, with requests from one span to four MiB, and what became of each.

They cost little, so that two processors offer a disk ten times what it takes: requests are made once and get ids of
their own, and one event loop sends all of them.
"""

import asyncio
import statistics
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio
import psutil

from tests.durability.load import EXPORT, span
from tests.ingest import otlp
from tests.ingest.doors import PROTOBUF

CLIENTS = 64
BODY_BYTES = (0, 0, 0, 0, 40_000, 40_000, 400_000, 4_000_000)
"""Of padding: half of the requests are one span and little else."""
MEAN_BYTES = sum(BODY_BYTES) / len(BODY_BYTES)
CALL_S = 30.0
OK, UNAVAILABLE = "OK", "UNAVAILABLE"
HTTP_CODES = {200: OK, 503: UNAVAILABLE}

Call = Callable[[bytes], Awaitable[str]]


@dataclass
class Crowd:
    """Answers by the id of the one span that each request holds.

    Each client sends one request at a time, and the next when the last was answered and its time has come: all together
    `offered_bytes_s`, as long as answers come in time; as fast as they come where it is not said.
    """

    grpc_address: str
    http_address: str
    offered_bytes_s: float = float("inf")
    answers: dict[bytes, str] = field(default_factory=dict)
    acked_after_s: list[float] = field(default_factory=list)
    sent_bytes: int = 0
    acked_bytes: int = 0
    took_s: float = 0.0
    """From the first request until the last was sent."""

    def run(self, seconds: float) -> None:
        templates = [request(TRACE, SPAN, size) for size in BODY_BYTES]
        asyncio.run(self._run(seconds, templates))

    async def _run(self, seconds: float, templates: list[bytes]) -> None:
        async with grpc.aio.insecure_channel(
            self.grpc_address, options=[("grpc.max_send_message_length", -1)]
        ) as channel:
            calls: tuple[Call, Call] = (self._over_http, Grpc(channel.unary_unary(EXPORT)))
            began = time.monotonic()
            await asyncio.gather(*(self._client(n, calls, templates, began + seconds) for n in range(CLIENTS)))

    async def _client(self, number: int, calls: tuple[Call, Call], templates: list[bytes], end: float) -> None:
        pause_s = CLIENTS * MEAN_BYTES / self.offered_bytes_s
        turn, began = number, time.monotonic()
        at = began + pause_s * number / CLIENTS
        while (now := max(at, time.monotonic())) < end:
            await asyncio.sleep(max(0.0, now - time.monotonic()))
            span_id = (number + 1).to_bytes(4, "big") + turn.to_bytes(4, "big")
            body = templates[turn % len(templates)].replace(TRACE, b"\1" * 8 + span_id, 1).replace(SPAN, span_id, 1)
            sent = time.monotonic()
            self.sent_bytes += len(body)
            self.took_s = max(self.took_s, sent - began)
            self.answers[span_id] = code = await calls[turn % 2](body)
            if code == OK:
                self.acked_bytes += len(body)
                self.acked_after_s.append(time.monotonic() - sent)
            turn, at = turn + 1, at + pause_s

    async def _over_http(self, body: bytes) -> str:
        host, _, port = self.http_address.rpartition(":")
        async with asyncio.timeout(CALL_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /v1/traces HTTP/1.1\r\nHost: {host}\r\nContent-Type: {PROTOBUF}\r\nConnection: close\r\n"
            writer.writelines([f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body])
            await writer.drain()
            status = int((await reader.readline()).split()[1])
            writer.close()
            await writer.wait_closed()
        return HTTP_CODES.get(status, str(status))

    def with_answer(self, code: str) -> set[str]:
        return {span_id.hex() for span_id, answer in self.answers.items() if answer == code}

    def p99_s(self) -> float:
        return statistics.quantiles(self.acked_after_s, n=100)[98]

    def said(self) -> str:
        acked, refused = len(self.with_answer(OK)), len(self.with_answer(UNAVAILABLE))
        return (
            f"{len(self.answers)} sent ({self.sent_bytes >> 20} MiB in {self.took_s:.1f} s), {acked} acked "
            f"({self.acked_bytes >> 20} MiB), {refused} refused, {len(self.answers) - acked - refused} other; "
            f"ack p50 {statistics.median(self.acked_after_s):.3f} s, p99 {self.p99_s():.3f} s"
        )


@dataclass
class Grpc:
    """A call, answered by the name of its code."""

    method: grpc.aio.UnaryUnaryMultiCallable

    async def __call__(self, body: bytes) -> str:
        try:
            await self.method(body, timeout=CALL_S)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        return OK


TRACE, SPAN = b"\1trace-id-here!\1", b"\1span-id"
"""Stand for the ids of a request that are to be put in."""


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

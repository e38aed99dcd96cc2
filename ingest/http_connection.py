"""One HTTP/1.1 connection: uvicorn's h11 protocol and what it leaves out.

That is: a deadline for the head of a request, a bound on connections, a line in the log for gRPC clients that came to
the wrong port, and a google.rpc.Status for requests that are no HTTP.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ingest.seldom import SeldomLog
from ingest.status import Failure
from ledger.errors import Refused

HTTP2_PREFACE = b"PRI * HTTP/2"
"""RFC 9113 3.4: the first bytes of every HTTP/2 connection, so of every gRPC client."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """What a connection needs to know beside uvicorn's own configuration."""

    header_s: float
    connections_max: int
    grpc_address: str
    log: SeldomLog


def protocol(options: ConnectionOptions) -> type[asyncio.Protocol]:
    """The protocol class that uvicorn makes an instance of for each connection."""

    class Connection(HttpConnection):
        bounds = options

    return Connection


class HttpConnection(H11Protocol):
    bounds: ConnectionOptions

    def __init__(self, config: uvicorn.Config, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        # The application reaches its connection through scope["state"], to end it without an answer.
        super().__init__(config, server_state, {**app_state, "hang_up": self._hang_up}, _loop)
        self._head_deadline: asyncio.TimerHandle | None = None
        self._first = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections_max:
            self.bounds.log.warning(
                "http-connections", f"over {self.bounds.connections_max} HTTP connections; one was closed"
            )
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._first and data.startswith(HTTP2_PREFACE):
            self._name_wrong_port()
            return
        self._first = False
        super().data_received(data)
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head_deadline is None:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        failure = Failure.of(Refused(f"{msg} This port speaks OTLP over HTTP/1.1."))
        body = failure.http_body(as_json=True)
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _name_wrong_port(self) -> None:
        peer = self.client[0] if self.client else "unknown"
        self.bounds.log.warning(
            "grpc-on-http",
            f"a gRPC client ({peer}) came to the OTLP/HTTP port; OTLP/gRPC is at {self.bounds.grpc_address}",
        )
        self.transport.close()

    def _await_head(self) -> None:
        self._head_deadline = self.loop.call_later(self.bounds.header_s, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _hang_up(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.abort()

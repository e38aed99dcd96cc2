"""Sending OTLP requests as an exporter does, over gRPC, with the very bytes of a file."""

from types import TracebackType
from typing import Self

import grpc

from ledger.errors import LedgerError, Overloaded

METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
SEND_S = 30.0
"""Longest wait for one acknowledgement."""
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""The server's own limit on a request."""


class Exporter:
    """One connection to an OTLP/gRPC port; a context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = grpc.insecure_channel(address, [("grpc.max_send_message_length", MESSAGE_BYTES_MAX)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def send(self, signal: str, body: bytes) -> None:
        """Send one request; returns once it is acknowledged, that is, durable."""
        call = self._channel.unary_unary(METHODS[signal], request_serializer=bytes, response_deserializer=bytes)
        try:
            call(body, timeout=SEND_S, wait_for_ready=True)
        except grpc.RpcError as error:
            kind = Overloaded if error.code() == grpc.StatusCode.UNAVAILABLE else LedgerError
            raise kind(f"{self._address}: {error.code().name}: {error.details()}") from error

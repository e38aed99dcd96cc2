"""OTLP/gRPC: the three Export methods, health and reflection, on grpcio's asyncio server.

The handlers take raw bytes (no deserializer): the bytes are the record, and a string that is no UTF-8 must not fail a
batch. They are registered as client-streaming, which is the same on the wire for one message, because only then is the
handler called before the message is read: memory is reserved first (docs/adr/0006).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from ingest.intake import PROTOBUF, Arrival, Intake
from ingest.options import CollectorOptions
from ingest.signals import SIGNALS, Signal
from ingest.status import Failure
from ledger.errors import Overloaded, Refused

RESPONSE_BYTES_MAX = 4 << 20
"""OTLP 1.11: a response must be limited too; ours are far smaller."""

PING_INTERVAL_MIN_MS = 5_000
"""Exporters ping every 10 s without a call; gRPC's default takes that for abuse and says GOAWAY too_many_pings."""

DEAD_PEER_PING_MS = 60_000
"""After a minute of silence we ask whether the peer still lives, so that its connection can be dropped."""

CODES = {code.value[0]: code for code in grpc.StatusCode}

Handler = Callable[[Any, Any], Awaitable[bytes]]


def server_options(options: CollectorOptions) -> list[tuple[str, int]]:
    """Channel arguments of the server, by gRPC's names."""
    return [
        ("grpc.max_receive_message_length", options.request_bytes_max),
        ("grpc.max_send_message_length", RESPONSE_BYTES_MAX),
        ("grpc.max_concurrent_streams", options.streams_max),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", DEAD_PEER_PING_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MIN_MS),
        # Probing would let every stream buffer megabytes before its handler has reserved any; a message that is being
        # read gets the window it needs all the same.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.so_reuseport", 0),  # two collectors on one port would share the calls silently
    ]


class GrpcServer:
    """Binds at construction, inside the loop that will serve it."""

    def __init__(self, intake: Intake, address: str) -> None:
        self._intake = intake
        self._server = grpc.aio.server(options=server_options(intake.options))
        self._health = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers([_export(intake, signal) for signal in SIGNALS])
        names = [signal.service for signal in SIGNALS]
        reflection.enable_server_reflection(
            [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], self._server
        )
        self.port: int = self._server.add_insecure_port(address)

    async def start(self) -> None:
        await self._server.start()
        for name in ("", *(signal.service for signal in SIGNALS)):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, drain_s: float) -> None:
        """New calls are UNAVAILABLE at once, calls in flight have `drain_s` to finish."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(drain_s)


def _export(intake: Intake, signal: Signal) -> Any:
    async def export(_: Any, context: Any) -> bytes:
        try:
            response = await _accept(intake, signal, context)
        except Exception as error:
            failure = intake.failed(error, signal.name, "grpc")
            await _abort(context, failure)
            raise
        answer: bytes = response.SerializeToString()
        return answer

    method = grpc.stream_unary_rpc_method_handler(export)
    return grpc.method_handlers_generic_handler(signal.service, {"Export": method})


async def _accept(intake: Intake, signal: Signal, context: Any) -> Any:
    intake.check_backlog()
    hold_s = intake.hold_s(context.time_remaining())
    reservation = await intake.admission.reserve(intake.options.receive_bytes, hold_s)
    try:
        body = await reservation.receive(_receive(context, intake.options), intake.options.receive_turn_s)
        arrival = Arrival(signal, "grpc", PROTOBUF, body)
        return await intake.accept(arrival, reservation, intake.hold_s(context.time_remaining()))
    finally:
        reservation.release()


async def _receive(context: Any, options: CollectorOptions) -> bytes:
    try:
        async with asyncio.timeout(options.receive_s):
            message = await context.read()
    except TimeoutError as error:
        raise Overloaded(f"the request had not arrived after {options.receive_s:g} s; send it again") from error
    if message is grpc.aio.EOF:
        raise Refused("the call ended without a message; Export takes one request")
    body: bytes = message
    return body


async def _abort(context: Any, failure: Failure) -> None:
    await context.abort(CODES[failure.rule.grpc_code], failure.message, failure.grpc_trailers())

"""The collector: both OTLP servers in one event loop, in one thread of their own, in front of one journal.

Guarantees: after `start` both ports answer; after `stop` no call is left unanswered. The process may import nothing
heavy for it, because exporters survive only about seven seconds of outage.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Coroutine
from typing import Any

import uvicorn

from ingest.addresses import Address, Addresses
from ingest.admission import Admission
from ingest.allocator import limit_arenas
from ingest.counters import Counters, sample
from ingest.grpc_server import GrpcServer
from ingest.http_connection import ConnectionOptions, protocol
from ingest.http_server import HttpDoor
from ingest.intake import Intake, Journal
from ingest.options import CollectorOptions
from ingest.refusals import Refusals
from ingest.seldom import SeldomLog
from ledger.errors import LedgerError
from ledger.paths import DataDir
from ledger.seams import Clock

__all__ = ["Addresses", "Collector", "CollectorOptions"]

log = logging.getLogger(__name__)

START_S = 10.0
"""Both servers answer within 0.2 s; a start that takes longer than this hangs, and says so."""

CLOSE_S = 0.5
"""Of the drain, what closing connections and the loop takes after the last call; uvicorn looks up every 0.1 s."""

LEAVE_S = 2.0
"""What `stop` waits beyond the drain for the loop to end."""

POLL_S = 0.01

SWITCH_S = 0.0001
"""The journal's writer asks for the interpreter after each write, sync and mark; with Python's default it waits up to
5 ms behind the loop every time, longer than the sync itself."""


class Collector:
    """Takes OTLP on two ports and journals it. `journal` stays open while the collector runs; its owner closes it."""

    def __init__(self, data: DataDir, options: CollectorOptions, journal: Journal, *, clock: Clock) -> None:
        self.data = data
        self.options = options.validated()
        self._grpc_address = Address.parse(options.otlp_grpc, "--otlp-grpc")
        self._http_address = Address.parse(options.otlp_http, "--otlp-http")
        for address in (self._grpc_address, self._http_address):
            address.check(options.insecure)
        self._counters = Counters()
        self._admission = Admission(options.memory_bytes_max, options.calls_waiting_max)
        seldom = SeldomLog(log, clock)
        refusals = Refusals(
            journal.submit,
            clock,
            per_s=options.refused_events_per_s,
            burst=options.refused_events_burst,
            head_bytes=options.refused_head_bytes,
        )
        self._intake = Intake(options, journal, self._admission, refusals, self._counters, seldom)
        self._seldom = seldom
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Addresses:
        """Bind and serve. Raises PortTaken, or whatever else keeps the servers from starting."""
        assert self._loop is None, "a collector starts once"
        limit_arenas()
        sys.setswitchinterval(SWITCH_S)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="collector", daemon=True)
        self._thread.start()
        try:
            addresses: Addresses = self._call(self._start(), START_S)
        except BaseException:
            self._leave()
            raise
        return addresses

    def stop(self, drain_s: float = 3.0) -> None:
        """Refuse new calls as UNAVAILABLE, let those in flight finish, close; all of it within `drain_s`."""
        if self._loop is None or self._loop.is_closed():
            return
        try:
            self._call(self._stop(drain_s), drain_s + LEAVE_S)
        finally:
            self._leave()

    def stats(self) -> dict[str, int]:
        """Samples for a metrics page: counters since the start and what waits now."""
        return self._counters.snapshot() | {
            sample("admission_reserved_bytes"): self._admission.reserved_bytes,
            sample("admission_waiting_calls"): self._admission.waiting_calls,
            sample("admission_held_calls_total"): self._admission.held_calls,
            sample("admission_refused_calls_total"): self._admission.refused_calls,
        }

    async def _start(self) -> Addresses:
        listeners = self._http_address.bind()
        try:
            self._grpc = self._bind_grpc()
        except BaseException:
            for listener in listeners:
                listener.close()
            raise
        addresses = Addresses(
            otlp_grpc=str(self._grpc_address.at(self._grpc.port)),
            otlp_http=str(self._http_address.at(listeners[0].getsockname()[1])),
        )
        self._http = uvicorn.Server(self._http_config(addresses))
        self._serving = asyncio.ensure_future(self._http.serve(sockets=listeners))
        await self._grpc.start()
        while not self._http.started and not self._serving.done():
            await asyncio.sleep(POLL_S)
        if not self._http.started:
            raise LedgerError(f"the HTTP server on {addresses.otlp_http} ended while it started")
        return addresses

    def _bind_grpc(self) -> GrpcServer:
        # gRPC does not say why it cannot listen, so the address is tried with a socket first.
        for listener in self._grpc_address.bind():
            listener.close()
        try:
            return GrpcServer(self._intake, str(self._grpc_address))
        except RuntimeError as error:
            raise self._grpc_address.taken(error) from error

    def _http_config(self, addresses: Addresses) -> uvicorn.Config:
        connection = ConnectionOptions(
            self.options.header_s, self.options.connections_max, addresses.otlp_grpc, self._seldom
        )
        return uvicorn.Config(
            HttpDoor(self._intake, self._http_address.host),
            http=protocol(connection),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=max(1, round(self.options.keep_alive_s)),
        )

    async def _stop(self, drain_s: float) -> None:
        self._admission.close()
        self._http.should_exit = True
        self._http.config.timeout_graceful_shutdown = max(1, int(drain_s - CLOSE_S))
        await asyncio.gather(self._grpc.stop(max(0.0, drain_s - CLOSE_S)), self._serving)

    def _call(self, work: Coroutine[Any, Any, Any], timeout_s: float) -> Any:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(_finish(loop))
        loop.close()

    def _leave(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LEAVE_S)
        self._intake.close()


async def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left, so that the loop closes without unfinished business."""
    left = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await loop.shutdown_asyncgens()

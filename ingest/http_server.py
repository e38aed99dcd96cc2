"""OTLP/HTTP: a bare ASGI application.

Every answer that is not a success carries a google.rpc.Status in the request's encoding, as
https://opentelemetry.io/docs/specs/otlp/#otlphttp demands. A body that stops arriving ends the connection without an
answer: exporters send again after a disconnect, but not after a 408.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from google.protobuf import json_format

from ingest.decompress import decompress, too_large
from ingest.http_request import PATHS, Head
from ingest.intake import JSON, PROTOBUF, Arrival, Intake
from ingest.options import BESIDE_BYTES, RECEIVE_COPIES
from ledger.errors import Overloaded

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

EXTRA_HEADERS: dict[int, Headers] = {
    405: [(b"allow", b"POST")],
    415: [(b"accept", f"{PROTOBUF}, {JSON}".encode()), (b"accept-encoding", b"gzip, deflate, zstd")],
}

PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type, content-encoding"),
    (b"access-control-max-age", b"600"),
]
"""Answer to a browser that asks before it posts, beside the origin it may post from."""


class SenderGone(Exception):
    """The connection closed, or was closed for being too slow, before the body was whole."""


class HttpDoor:
    """The ASGI application. `bound_host` is the name it listens on, which a Host header may carry."""

    def __init__(self, intake: Intake, bound_host: str) -> None:
        self._intake = intake
        self._bound_host = bound_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Head.of(scope)
        try:
            await self._answer(head, scope, receive, send)
        except SenderGone:
            self._intake.counters.add("requests_abandoned_total", labels={"transport": "http"})
        except asyncio.CancelledError:
            # The drain is over. uvicorn would say 500, and exporters drop the batch on that.
            await self._fail(head, Overloaded("the collector stopped; send the request again"), send)
        except Exception as error:  # noqa: BLE001  every failure is answered by the table in ingest.status
            await self._fail(head, error, send)

    async def _answer(self, head: Head, scope: Scope, receive: Receive, send: Send) -> None:
        head.check_caller(self._intake.options, self._bound_host)
        if head.method == "OPTIONS" and head.origin and head.path.rstrip("/") in PATHS:
            await _send(send, 204, [*self._cors(head), *PREFLIGHT], b"")
            return
        response = await self._accept(head, scope, receive)
        as_json = head.content_type == JSON
        body = json_format.MessageToJson(response, indent=None).encode() if as_json else response.SerializeToString()
        await _send(send, 200, [(b"content-type", head.content_type.encode()), *self._cors(head)], body)

    async def _accept(self, head: Head, scope: Scope, receive: Receive) -> Any:
        signal = head.signal()
        head.check_media()
        options = self._intake.options
        if head.length is not None and head.length > options.request_bytes_max:
            raise too_large(options.request_bytes_max, f"(Content-Length {head.length})")
        self._intake.check_backlog()
        hold_s = self._intake.hold_s()
        reservation = await self._intake.admission.reserve(self._receive_bytes(head), hold_s)
        try:
            arriving = _read(receive, options.request_bytes_max, options.receive_s, scope)
            if reservation.bytes >= options.receive_bytes:  # else it holds only what its own length needs
                arriving = reservation.receive(arriving, options.receive_turn_s)
            sent = await arriving
            body = await self._decompressed(sent, head.encoding)
            return await self._intake.accept(Arrival(signal, "http", head.content_type, body), reservation, hold_s)
        finally:
            reservation.release()

    def _receive_bytes(self, head: Head) -> int:
        if head.length is None or head.encoding not in ("", "identity"):
            return self._intake.options.receive_bytes
        return RECEIVE_COPIES * head.length + BESIDE_BYTES

    async def _decompressed(self, sent: bytes, encoding: str) -> bytes:
        bytes_max = self._intake.options.request_bytes_max
        if encoding in ("", "identity"):
            return sent
        return await self._intake.in_thread(decompress, sent, encoding, bytes_max)

    async def _fail(self, head: Head, error: BaseException, send: Send) -> None:
        signal = PATHS.get(head.path.rstrip("/"))
        failure = self._intake.failed(error, signal.name if signal else "unknown", "http")
        content_type = (JSON if head.wants_json else PROTOBUF).encode()
        headers = [(b"content-type", content_type), *failure.http_headers(), *self._cors(head)]
        headers += EXTRA_HEADERS.get(failure.rule.http_status, [])
        await _send(send, failure.rule.http_status, headers, failure.http_body(head.wants_json))

    def _cors(self, head: Head) -> Headers:
        if head.origin not in self._intake.options.cors_origins:
            return []
        return [(b"access-control-allow-origin", head.origin.encode("latin-1")), (b"vary", b"origin")]


async def _read(receive: Receive, bytes_max: int, receive_s: float, scope: Scope) -> bytes:
    """The whole body as sent. Raises TooLarge past the limit, SenderGone if it does not come."""
    pieces, total = [], 0
    try:
        async with asyncio.timeout(receive_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise SenderGone
                pieces.append(message.get("body", b""))
                total += len(pieces[-1])
                if total > bytes_max:
                    raise too_large(bytes_max, "as sent")
                if not message.get("more_body", False):
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except TimeoutError as error:
        scope["state"]["hang_up"]()
        while (await receive())["type"] != "http.disconnect":
            continue
        raise SenderGone from error


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""What every answer on this port must keep: whom it is given to, and what a browser may do with it.

Host: a page of a stranger can make a browser ask 127.0.0.1 under a name of its own (DNS rebinding). Such a request
carries that name as Host, so only addresses, `localhost` and names that we were told
are served. Origin: only this page.
"""

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from queries.api.problem import problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """ASGI wrapper around the application."""

    def __init__(self, app: Application, names: frozenset[str] = frozenset()) -> None:
        self._app, self._names = app, names | {"localhost"}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault = self._fault(dict(scope["headers"]))
        if fault:
            await problem(*fault)(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    def _fault(self, headers: dict[bytes, bytes]) -> tuple[int, str, str] | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._may_be_called(host):
            return 421, "Misdirected request", f"this server does not answer to the name {host!r}; use its address"
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if origin and origin.partition("://")[2] != host:
            return 403, "Foreign origin", f"requests from pages of {origin!r} are not answered"
        return None

    def _may_be_called(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return sent

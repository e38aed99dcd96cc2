"""Asking the application in this process: no socket, no server."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ledger.paths import DataDir
from queries.api.app import routed
from queries.api.guard import Guard


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


Ask = Callable[..., Answer]


@contextmanager
def asker(data: DataDir) -> Iterator[Ask]:
    """The application over `data`, to be asked."""
    inner = routed(data)
    app = Guard(inner)

    def ask(target: str, method: str = "GET", **headers: str) -> Answer:
        path, _, query = target.partition("?")
        given = {"host": "127.0.0.1:8317", "accept": "text/html,application/json"} | headers
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8317),
        }
        return asyncio.run(_call(app, scope))

    yield ask
    inner.state.answers.close()


async def _call(app: Any, scope: dict[str, Any]) -> Answer:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]))

"""The API process: HTTP API and page on a socket that the supervisor holds, so a restart refuses no connection."""

import logging
import os
import socket
import threading
import time

import uvicorn

from ledger.paths import DataDir
from queries.api.addresses import addresses
from queries.api.app import application
from spanledger.parts import options
from spanledger.processes.child import Child, run

DRAIN_S = 2
"""Time for answers under way once the word to stop came; the whole service has 3 s."""


UNREADABLE = "Invalid HTTP request received."
"""uvicorn's words (h11_impl.py) on a client that speaks something else, such as gRPC, which is HTTP/2."""


class OncePerMinute(logging.Filter):
    """A gRPC exporter on this port tries again for ever: say so once a minute, with the right port."""

    def __init__(self, data: DataDir) -> None:
        super().__init__()
        self._data, self._told_s = data, -60.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage() != UNREADABLE:
            return True
        if time.monotonic() - self._told_s < 60.0:
            return False
        self._told_s = time.monotonic()
        right = addresses(self._data).get("otlp_grpc", "the OTLP/gRPC port (4317)")
        record.msg = f"a client on the API port does not speak HTTP/1.1; is it an exporter? OTLP/gRPC is at {right}"
        return True


class Server(uvicorn.Server):
    """uvicorn's server, which says when it answers."""

    def __init__(self, config: uvicorn.Config, child: Child) -> None:
        super().__init__(config)
        self.child = child

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.child.ready()


def main(child: Child) -> None:
    listening = [socket.socket(fileno=fd) for fd in child.fds]
    app = application(child.config.data, options(child.config, "api"), child.config.names("listen.hosts"))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=DRAIN_S, server_header=False
    )
    logging.getLogger("uvicorn.error").addFilter(OncePerMinute(child.config.data))
    server = Server(config, child)
    thread = threading.Thread(target=server.run, args=(listening,), name="uvicorn")
    thread.start()
    while thread.is_alive() and not child.stop.wait(0.2):
        pass  # ends as well when the server itself fails
    server.should_exit = True
    thread.join()
    # Every connection is closed and nothing here is to be saved. What uvicorn's worker threads still refer to makes
    # DuckDB 2.0 print pages about leaks when the interpreter is taken down, so it is left standing.
    logging.shutdown()
    os._exit(0 if child.stop.is_set() else 1)


if __name__ == "__main__":
    run("api", main)

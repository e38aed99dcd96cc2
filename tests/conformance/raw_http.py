"""HTTP as a client library would not send it, and what comes back."""

import socket
from typing import Any

from tests.ingest.doors import JSON, PROTOBUF, Door, Reply


def post(door: Door, body: Any = b"", path: str = "/v1/traces", method: str = "POST", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.http(path, body, {"Content-Type": PROTOBUF} | named, method=method)


def raw(door: Door, *pieces: bytes, timeout_s: float = 5.0) -> bytes:
    """Send `pieces` and read until the server closes."""
    with connected(door, timeout_s) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read_all(connection)


def connected(door: Door, timeout_s: float = 5.0) -> socket.socket:
    host, _, port = door.addresses.otlp_http.rpartition(":")
    return socket.create_connection((host, int(port)), timeout_s)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def head(door: Door, *lines: str, method: str = "POST", path: str = "/v1/traces") -> bytes:
    host = f"Host: {door.addresses.otlp_http}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", host, *lines, "", ""]).encode()


def status_of(reply: Reply) -> Any:
    """google.rpc.Status in the encoding of the request, whatever the failure."""
    assert reply.headers["content-type"] in (PROTOBUF, JSON)
    assert reply.message
    return reply.http_status

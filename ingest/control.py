"""The control socket: how every other process of the group gets an event into the journal.

Guarantees: a number is returned only once the event is durable; whoever may open DATA may append, nobody else (0600).
The messages are ledger.journal.control's; here are only the sockets.
"""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import TimeoutError as WaitTimeout
from pathlib import Path
from typing import cast

from ingest.intake import Journal
from ledger.errors import LedgerError, NotFound, Overloaded, Refused
from ledger.journal import control as wire
from ledger.journal.frame import Draft

CONNECTIONS_MAX = 64
"""The poster, the API and a few commands; more than this is a mistake somewhere."""

APPEND_S = 30.0
"""What the server waits for the disk before it answers Overloaded; the client waits a second more for the server."""

SOCKET_PATH_BYTES_MAX = 107
"""sockaddr_un.sun_path on Linux, unix(7), less the closing zero."""

DESCRIPTORS = Path("/proc/self/fd")


class ControlServer:
    """Listens at `path` from construction to `stop`. A socket left over from a crash is replaced: the journal's lock,
    which the caller holds, says that nobody serves it."""

    def __init__(self, path: Path, journal: Journal) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        self._path = path
        self._server = _Server(path, journal)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, end the open ones and remove the socket."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class ControlClient:
    """Appends events through a running collector. One connection, opened at the first use; for one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: socket.socket | None = None

    def append(self, draft: Draft) -> int:
        """The event's number, once it is durable. Raises what the collector raised, and NotFound where none runs.

        Overloaded where the connection broke: the event may or may not be there, its key makes a repeat harmless.
        """
        message = wire.encode_append(draft)
        try:
            return self._exchange(message)
        except OSError as error:
            self.close()
            raise Overloaded(f"control socket {self._path}: {error}; send the event again") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, message: bytes) -> int:
        connection = self._connection = self._connection or self._connect()
        connection.sendall(message)
        reply = _read_message(connection)
        if reply is None:
            raise ConnectionError("the collector closed the connection")
        return wire.decode_reply(reply)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(APPEND_S + 1)
        try:
            with _short(self._path) as name:
                connection.connect(name)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            connection.close()
            raise NotFound(
                f"no collector listens at {self._path}; start `spanledger serve` on this directory"
            ) from error
        except OSError:
            connection.close()
            raise
        return connection


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, path: Path, journal: Journal) -> None:
        self.path = path
        self.journal = journal
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(os.fspath(path), _Connection)

    def server_bind(self) -> None:
        # Between bind and listen nobody can connect yet, so there is no moment at which others may.
        with _short(self.path) as name:
            self.socket.bind(name)
        self.path.chmod(0o600)

    def verify_request(self, *_: object) -> bool:
        with self._lock:
            return len(self._open) < CONNECTIONS_MAX

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.BaseRequestHandler):
    """One client: append messages in, replies out, in order."""

    def handle(self) -> None:
        server, connection = cast(_Server, self.server), cast(socket.socket, self.request)
        server.opened(connection)
        try:
            while self._serve_one(server.journal, connection):
                continue
        except OSError:
            return  # the client is gone; what it appended stays
        finally:
            server.closed(connection)

    def _serve_one(self, journal: Journal, connection: socket.socket) -> bool:
        """False when this connection is over."""
        try:
            message = _read_message(connection)
        except LedgerError as error:
            # A length that is not taken: what follows on this connection cannot be understood.
            connection.sendall(wire.encode_error(error))
            return False
        if message is not None:
            connection.sendall(_reply(journal, message))
        return message is not None


def _reply(journal: Journal, message: bytes) -> bytes:
    try:
        return wire.encode_appended(_append(journal, wire.decode_append(message)))
    except LedgerError as error:
        return wire.encode_error(error)


def _append(journal: Journal, draft: Draft) -> int:
    try:
        return journal.submit(draft).result(APPEND_S)
    except WaitTimeout as error:
        raise Overloaded(
            f"the event was not durable after {APPEND_S:g} s; send it again, its key makes that safe"
        ) from error


def _read_message(connection: socket.socket) -> bytes | None:
    """The next message without its length; None where the other side has closed."""
    prefix = _read(connection, wire.LENGTH.size)
    return _read(connection, wire.message_bytes(prefix)) if prefix else None


def _read(connection: socket.socket, size: int) -> bytes:
    """`size` bytes, or none at all if the other side closed before the first."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece and data:
            raise ConnectionError(f"the connection broke after {len(data)} of {size} bytes")
        if not piece:
            break
        data += piece
    return bytes(data)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for `path` that fits into a socket address: a long one goes through its directory's file descriptor."""
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        yield os.fspath(path)
        return
    if not DESCRIPTORS.exists():
        raise Refused(
            f"{path} is longer than a socket's name may be ({SOCKET_PATH_BYTES_MAX} bytes); use a shorter --data"
        )
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield os.fspath(DESCRIPTORS / str(directory) / path.name)
    finally:
        os.close(directory)

"""HOST:PORT: parsing, the rule that only loopback is bound, and who holds a port that is taken."""

import contextlib
import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Refused

BACKLOG = 512
"""Connections that may wait for accept: a fleet of exporters reconnects at the same moment after a restart."""


class PortTaken(Refused):
    """Another process listens there."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the collector can be reached, each as host:port."""

    otlp_grpc: str
    otlp_http: str


@dataclass(frozen=True, slots=True)
class Address:
    """One address to listen on, and the flag that set it (for messages)."""

    host: str
    port: int
    flag: str

    @classmethod
    def parse(cls, text: str, flag: str) -> "Address":
        """`127.0.0.1:4317`, `localhost:0`, `[::1]:4318`. Raises Refused naming the flag."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise Refused(f"{flag} is {text!r}; it must be HOST:PORT, such as 127.0.0.1:4317 or [::1]:0")
        return cls(host, int(port), flag)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def at(self, port: int) -> "Address":
        return Address(self.host, port, self.flag)

    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self, insecure: bool) -> None:
        """Only loopback, unless the user said that an open door is wanted."""
        if not insecure and not self.is_loopback():
            raise Refused(
                f"{self.flag} {self} is not a loopback address, and senders do not have to prove who they are; "
                "listen on 127.0.0.1, or pass --insecure to open it to the network"
            )

    def bind(self) -> list[socket.socket]:
        """Listening sockets on one port: several where a name such as localhost stands for IPv4 and IPv6.

        Raises PortTaken naming the flag and, where it can be seen, the process.
        """
        listeners: list[socket.socket] = []
        try:
            for family, host in self._resolved():
                port = listeners[0].getsockname()[1] if listeners else self.port
                listener = _listen(family, host, port)
                listeners += [listener] if listener else []
        except OSError as error:
            for listener in listeners:
                listener.close()
            raise self.taken(error) from error
        if not listeners:
            raise Refused(f"{self.flag} {self} is no address of this machine")
        return listeners

    def _resolved(self) -> list[tuple[int, str]]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as error:
            raise Refused(f"{self.flag} {self} is no address of this machine: {error}") from error
        return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))

    def taken(self, error: Exception) -> PortTaken:
        """The error for an address that cannot be bound."""
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is in use"
        return PortTaken(
            f"cannot listen on {self} ({reason}){holder(self.port)}; "
            f"stop that process or pass {self.flag} with another port"
        )


def _listen(family: int, host: str, port: int) -> socket.socket | None:
    """A listening socket; None where this machine does not have that address, such as ::1 without IPv6."""
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host != "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return listener


def holder(port: int) -> str:
    """`, process 4711 (python3) holds it` where /proc shows it, else nothing."""
    inodes = {f"socket:[{inode}]" for name in ("tcp", "tcp6") for inode in _listening(Path("/proc/net") / name, port)}
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                return f", process {process.name} ({(process / 'comm').read_text().strip()}) holds it"
    return ", a process of another user holds it"


def _listening(table: Path, port: int) -> list[str]:
    """Inodes of the sockets in state LISTEN (0A) on `port`; proc(5), /proc/net/tcp."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]

"""Addresses to listen on: taken apart, checked before anything starts, and who holds one that is taken."""

import errno
import ipaddress
import socket
from pathlib import Path

from ledger.errors import Refused

LISTEN_STATE = "0A"
"""TCP_LISTEN in /proc/net/tcp (Linux include/net/tcp_states.h)."""


def host_port(address: str) -> tuple[str, int]:
    """`HOST:PORT` taken apart; brackets of an IPv6 address removed."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_loopback(address: str, flag: str, *, insecure: bool) -> None:
    """Refuse an address that others can reach: there are no keys yet, so that door would stand open."""
    if not insecure and not is_loopback(host_port(address)[0]):
        raise Refused(
            f"{flag} {address} is reachable from other machines, and no key is asked; add --insecure to permit it"
        )


def bind(address: str, flag: str) -> socket.socket:
    """A listening-ready socket on `address`. Raises Refused naming port, flag and holder when it is taken."""
    host, port = host_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise Refused(f"{address} is taken by {holder(port)}; stop it or choose another with {flag}") from error
        raise Refused(f"{flag} {address}: {error.strerror or error}") from error
    return bound


def address_of(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def holder(port: int) -> str:
    """Process that listens on `port`, as far as this user may see."""
    inodes = _listening(port)
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(entry.readlink())
        except OSError:
            continue  # the process ended, or is another user's
        if target.startswith("socket:[") and target[8:-1] in inodes:
            return _name(entry.parts[2])
    return "another process (not visible to this user)"


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).is_file():
            continue  # not Linux
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN_STATE and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _name(pid: str) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        words = ""
    return f"process {pid} ({words[:80]})" if words else f"process {pid}"

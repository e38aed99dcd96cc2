"""An OTLP/HTTP request as far as its head tells: is it let in, which signal, which encoding, how long."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.intake import JSON, PROTOBUF
from ingest.options import CollectorOptions
from ingest.signals import SIGNALS, Signal
from ingest.status import ForeignCaller, UnknownPath, UnsupportedMedia, WrongMethod
from ledger.errors import Refused

PATHS: Mapping[str, Signal] = {signal.path: signal for signal in SIGNALS}
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Head:
    """Method, path and header fields; names in lower case, values as sent."""

    method: str
    path: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Head":
        fields = {name.decode("latin-1"): value.decode("latin-1").strip() for name, value in scope["headers"]}
        return cls(scope["method"], scope["path"], fields)

    @property
    def content_type(self) -> str:
        """Media type without parameters, lower case; empty if there is none."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        return self.fields.get("content-encoding", "").strip().lower()

    @property
    def origin(self) -> str:
        return self.fields.get("origin", "")

    @property
    def length(self) -> int | None:
        """Content-Length; None for a chunked body. The HTTP parser has checked that it is a number."""
        return int(self.fields["content-length"]) if "content-length" in self.fields else None

    @property
    def wants_json(self) -> bool:
        """Errors go out in the encoding of the request; who sent neither is a person with a browser or curl."""
        return self.content_type != PROTOBUF

    def check_caller(self, options: CollectorOptions, bound_host: str) -> None:
        """Raise ForeignCaller for a Host or Origin that is not on the list."""
        host = _host_name(self.fields.get("host", ""))
        known = host in LOOPBACK_NAMES or host == bound_host or host in options.hosts
        # A numeric address cannot be rebound by DNS, so it is let in where the door is open to the network anyway.
        if host and not known and not (options.insecure and _is_numeric(host)):
            raise ForeignCaller(f"Host {host[:80]!r} is not served here; add it to `hosts` if it names this machine")
        if self.origin and self.origin not in options.cors_origins:
            raise ForeignCaller(f"Origin {self.origin[:80]!r} may not post here; add it to `cors_origins` if it may")

    def signal(self) -> Signal:
        """The signal of this path. Raises UnknownPath or WrongMethod."""
        signal = PATHS.get(self.path.rstrip("/"))
        if signal is None:
            raise UnknownPath(f"nothing is taken at {self.path[:80]!r}; OTLP/HTTP posts to {', '.join(PATHS)}")
        if self.method != "POST":
            raise WrongMethod(f"{self.method[:20]} is not taken at {signal.path}; OTLP/HTTP uses POST")
        return signal

    def check_media(self) -> None:
        """Raise UnsupportedMedia unless the body is protobuf or JSON."""
        if self.content_type not in (PROTOBUF, JSON):
            raise UnsupportedMedia(
                f"Content-Type {self.content_type[:80]!r} is not spoken here; send {PROTOBUF} or {JSON}"
            )


def _host_name(host: str) -> str:
    """Name of a Host field without its port, lower case: `[::1]:4318` -> `::1`."""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise Refused(f"Host {host[:80]!r} is malformed")
        return name.lower()
    return host.partition(":")[0].rstrip(".").lower()


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

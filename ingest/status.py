"""Our errors as answers: one table from error class to gRPC code, HTTP status and whether the sender may try again.

Codes: https://opentelemetry.io/docs/specs/otlp/#failures-1 (HTTP) and .../#failures (gRPC). Every failure carries a
google.rpc.Status. A transient fault is always UNAVAILABLE or 503: clients drop the batch on UNKNOWN, INTERNAL and 500.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

from ledger.errors import LedgerError, NotFound, Overloaded, Refused, TooLarge

MESSAGE_MAX = 384
"""Characters of an error message. It goes out three times in one gRPC trailer, twice in bytes and once percent-encoded,
and clients cap a trailer at 8 KiB."""

RETRY_DELAY_S = 1.8
"""The Python exporter tries six times within 10 s and then drops the batch: 5 x 1.8 s uses that time, 1 s would not."""

OK, INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, UNAVAILABLE = (
    0,
    3,
    5,
    7,
    8,
    12,
    14,
)


class UnknownPath(Refused):
    """No signal is taken at this path."""


class WrongMethod(Refused):
    """The path is right, the method is not."""


class UnsupportedMedia(Refused):
    """A Content-Type or Content-Encoding that is not spoken here."""


class ForeignCaller(Refused):
    """A Host or Origin that is not on the list (DNS rebinding, a web page posting to localhost)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one class of errors is answered."""

    grpc_code: int
    http_status: int
    retryable: bool


TABLE: Mapping[type[BaseException], Rule] = {
    UnknownPath: Rule(NOT_FOUND, 404, False),
    WrongMethod: Rule(UNIMPLEMENTED, 405, False),
    UnsupportedMedia: Rule(INVALID_ARGUMENT, 415, False),
    ForeignCaller: Rule(PERMISSION_DENIED, 403, False),
    # Without RetryInfo, RESOURCE_EXHAUSTED says "do not send this again".
    TooLarge: Rule(RESOURCE_EXHAUSTED, 413, False),
    Refused: Rule(INVALID_ARGUMENT, 400, False),
    NotFound: Rule(NOT_FOUND, 404, False),
    Overloaded: Rule(UNAVAILABLE, 503, True),
    # Whatever else happened, the request may be fine and its fate is unknown: the sender tries again, and the ledger
    # counts a span once however often it comes.
    LedgerError: Rule(UNAVAILABLE, 503, True),
    Exception: Rule(UNAVAILABLE, 503, True),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is answered."""

    rule: Rule
    message: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """The table's row for `error`. The text of errors that are not ours stays in the log: it may hold anything."""
        row = next(base for base in type(error).__mro__ if base in TABLE)
        ours = isinstance(error, LedgerError)
        message = str(error) if ours else "the server failed to store the request; send it again"
        return cls(TABLE[row], message[:MESSAGE_MAX])

    def status(self) -> Any:
        """google.rpc.Status with BadRequest where the data is at fault and RetryInfo where a retry may help."""
        status = status_pb2.Status(code=self.rule.grpc_code, message=self.message)
        if self.rule.grpc_code == INVALID_ARGUMENT:
            violation = error_details_pb2.BadRequest.FieldViolation(field="body", description=self.message)
            status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        if self.rule.retryable:
            status.details.add().Pack(_retry_info())
        return status

    def grpc_trailers(self) -> tuple[tuple[str, bytes], ...]:
        """Trailing metadata. The Python exporter reads RetryInfo in `google.rpc.retryinfo-bin`, others in Status."""
        trailers: tuple[tuple[str, bytes], ...] = (("grpc-status-details-bin", self.status().SerializeToString()),)
        if self.rule.retryable:
            trailers += (("google.rpc.retryinfo-bin", _retry_info().SerializeToString()),)
        return trailers

    def http_headers(self) -> list[tuple[bytes, bytes]]:
        """Retry-After in whole seconds, where a retry may help."""
        return [(b"retry-after", b"%d" % math.ceil(RETRY_DELAY_S))] if self.rule.retryable else []

    def http_body(self, as_json: bool) -> bytes:
        """google.rpc.Status in the encoding of the request."""
        if as_json:
            text: str = json_format.MessageToJson(self.status(), indent=None)
            return text.encode()
        body: bytes = self.status().SerializeToString()
        return body


def _retry_info() -> Any:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(round(RETRY_DELAY_S * 1e9))
    return info

"""Accounting months: what would count in a month that is closed counts in the next one that is open."""

from dataclasses import dataclass
from json import dumps, loads
from re import fullmatch

import numpy as np
import pyarrow as pa

from ledger.books.body import canonical, object_of
from ledger.errors import Refused
from ledger.money import Int64s

TEXT_CHARS_MAX = 500
BODY_BYTES_MAX = 64 << 10
_MONTH = r"(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])"
"""From 1970 to 2199: times end in 2262."""
_NAMES = {"month", "reason", "author"}
_NONE = -(2**62)


@dataclass(frozen=True)
class Closing:
    """`month`, such as 2026-11, and all before it are closed."""

    month: str
    reason: str
    author: str

    @property
    def ends_ns(self) -> int:
        """The first moment after it, UTC."""
        return _starts_ns(_number(self.month) + 1)


def closing_body(closing: Closing) -> bytes:
    """Body of a `period.closed` event."""
    return canonical(vars(closing))


def read_closing(body: bytes) -> Closing:
    """What a `period.closed` event says. Raises Refused."""
    said = object_of(body, "closing a month", _NAMES, BODY_BYTES_MAX)
    for name, value in said.items():
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARS_MAX:
            raise Refused(f"closing a month: {name} {str(value)[:50]!r} is none")
    if not fullmatch(_MONTH, said["month"]):
        raise Refused(f"{said['month'][:50]!r} is no month: give one such as 2026-11")
    return Closing(**said)


class Periods:
    """Which months were closed at which event."""

    def __init__(self, state: bytes | None = None) -> None:
        """As `state` said."""
        self._closed: list[tuple[int, int]] = [(seq, month) for seq, month in loads(state or b"[]")]

    def state(self) -> bytes:
        return dumps(self._closed).encode()

    def close(self, event_seq: int, closing: Closing) -> None:
        """Let `closing` hold from `event_seq` on. Raises Refused where the month is closed already."""
        month, last = _number(closing.month), self._closed[-1][1] if self._closed else _NONE
        if month <= last:
            raise Refused(f"{closing.month} is closed already, as all months up to {_text(last)} are")
        self._closed.append((event_seq, month))

    def accounting_ns(self, charged_ns: Int64s, recorded_ns: Int64s, event_seq: Int64s) -> pa.Array:
        """When lines count that events wrote: NULL where it is when they were charged, else when they were recorded.

        If the month of the record is closed too (its clock went back), it is the start of the first open one.
        """
        if not self._closed:
            return pa.nulls(len(charged_ns), pa.int64())
        seqs, months = zip(*self._closed, strict=True)
        at = np.searchsorted(np.array(seqs), event_seq, side="right")
        closed = np.array([_NONE, *months])[at]
        first_open_ns = np.array([0, *(_starts_ns(month + 1) for month in months)])[at]
        return pa.array(np.maximum(recorded_ns, first_open_ns), mask=_months(charged_ns) > closed)


def _number(month: str) -> int:
    """Months since 1970."""
    return (int(month[:4]) - 1970) * 12 + int(month[5:]) - 1


def _text(month: int) -> str:
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"


def _months(moments_ns: Int64s) -> Int64s:
    return moments_ns.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)


def _starts_ns(month: int) -> int:
    return int(np.datetime64(month, "M").astype("datetime64[ns]").astype(np.int64))

"""`refused` events: that something unreadable came, how long it was and how it began, for whoever looks for the sender.

Guarantees: an event is bounded, and there are few of them whatever is sent; the sender's answer does not wait for it.
"""

import base64
import hashlib
import json
from collections.abc import Callable

from ledger.errors import LedgerError
from ledger.journal import kinds
from ledger.journal.frame import Draft
from ledger.seams import Clock


class Refusals:
    """A token bucket in front of the journal."""

    def __init__(
        self, submit: Callable[[Draft], object], clock: Clock, *, per_s: float, burst: int, head_bytes: int
    ) -> None:
        self._submit = submit
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._head_bytes = head_bytes
        self._tokens = float(burst)
        self._filled_ns = clock.monotonic_ns()

    def record(self, signal: str, transport: str, content_type: str, body: bytes, reason: str) -> bool:
        """Journal that `body` was refused; False if there were too many lately or the journal takes nothing."""
        if not self._take():
            return False
        note = {
            "signal": signal,
            "content_type": content_type,
            "reason": reason,
            "body_bytes": len(body),
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "head_base64": base64.b64encode(body[: self._head_bytes]).decode(),
        }
        draft = json.dumps(note, sort_keys=True, separators=(",", ":")).encode()
        try:
            self._submit(Draft(kinds.REFUSED, draft, transport=transport))
        except LedgerError:
            return False
        return True

    def _take(self) -> bool:
        now_ns = self._clock.monotonic_ns()
        self._tokens = min(self._burst, self._tokens + (now_ns - self._filled_ns) / 1e9 * self._per_s)
        self._filled_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

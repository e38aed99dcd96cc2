"""The way from a request's bytes to its ack, the same for both transports: check, journal, wait until durable.

Guarantees: an answer without an error means that the bytes are on disk; what cannot be read is refused and noted;
nothing is dropped. The memory a request reserved stays reserved until the journal is done with its bytes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from traceback import clear_frames
from typing import Any, Protocol, TypeVar

from ingest.admission import Admission, Reservation
from ingest.allocator import trim
from ingest.counters import Counters
from ingest.door import Checked, check
from ingest.json_otlp import to_protobuf
from ingest.options import BESIDE_BYTES, RECEIVE_COPIES, CollectorOptions
from ingest.refusals import Refusals
from ingest.seldom import SeldomLog
from ingest.signals import Signal
from ingest.status import Failure
from ingest.wire import PARSE_FREELY_BYTES
from ledger.errors import LedgerError, Overloaded, Refused, TooLarge
from ledger.journal.frame import Draft

T = TypeVar("T")

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

JOURNAL_RETRY_S = 0.25
"""A full disk or queue is asked again this often while the call is held."""

DISK_S = 1.0
"""A call that may not be held still waits this long for the disk: a sync takes milliseconds, and some 50 at worst."""

CLIENT_MARGIN_S = 1.0
"""A held call is refused this long before its own deadline: an answer helps the sender, a timeout does not."""

JSON_CONTAINER_BYTES, JSON_VALUE_BYTES = 240, 80
"""What an object or array, and a value within one, take in Python; measured with 3.11."""


TRIM_OVER_BYTES = 8 << 20
TRIM_AFTER_S = 1.0
"""Ordinary batches reuse the memory of those before them; after a large one, a trim a second is cheap."""


class Journal(Protocol):
    """What the collector needs of `ledger.journal.append.JournalWriter`."""

    def submit(self, draft: Draft) -> "Future[int]": ...

    def withdraw(self, future: "Future[int]") -> None: ...

    @property
    def backlog_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A whole request: decompressed, not yet looked at."""

    signal: Signal
    transport: str
    content_type: str
    body: bytes

    @property
    def is_json(self) -> bool:
        return self.content_type == JSON

    def memory_bytes(self) -> int:
        """An upper estimate of what checking and journaling it takes, from its bytes alone."""
        if not self.is_json:
            # Our bytes, the skeleton's copy of them, and what the allocator still holds of a small one's arrival.
            copies = RECEIVE_COPIES if len(self.body) <= TRIM_OVER_BYTES else RECEIVE_COPIES - 1
            return copies * len(self.body) + BESIDE_BYTES
        containers = self.body.count(b"{") + self.body.count(b"[")
        values = self.body.count(b",") + containers
        return 3 * len(self.body) + JSON_CONTAINER_BYTES * containers + JSON_VALUE_BYTES * values + BESIDE_BYTES


class Intake:
    """Shared by the servers of both transports; lives in their event loop."""

    def __init__(
        self,
        options: CollectorOptions,
        journal: Journal,
        admission: Admission,
        refusals: Refusals,
        counters: Counters,
        log: SeldomLog,
    ) -> None:
        self.options = options
        self.admission = admission
        self.counters = counters
        self.log = log
        self._journal = journal
        self._refusals = refusals
        self._trim_is_due = False
        self._threads = ThreadPoolExecutor(options.door_threads, thread_name_prefix="door")

    def hold_s(self, remaining_s: float | None = None) -> float:
        """How long a call may be held, given what remains of its own deadline."""
        if remaining_s is None:
            return self.options.hold_s
        return max(0.0, min(self.options.hold_s, remaining_s - CLIENT_MARGIN_S))

    def check_backlog(self) -> None:
        """Raise Overloaded while the disk has work for longer than a sender should wait.

        A disk that is stuck or full is no such case: nobody knows how long that lasts, and the call is held.
        """
        backlog_s = self._journal.backlog_s
        if backlog_s > self.options.backlog_s:
            self.counters.add("backlog_refused_total")
            raise Overloaded(f"the disk has work for {backlog_s:.1f} s already; send the request again (backlog_s)")

    async def accept(self, arrival: Arrival, reservation: Reservation, hold_s: float) -> Any:
        """Returns the Export*ServiceResponse once `arrival` is durable. Raises whatever `Failure.of` can answer."""
        if len(arrival.body) > TRIM_OVER_BYTES:
            # What its pieces took goes back before anybody else may read: the next one would come on top of it.
            await self.in_thread(trim)
            self._trim_soon()
        await reservation.resize(self._affordable(arrival.memory_bytes()), hold_s)
        checked = await self._checked(arrival)
        await self._append(arrival, reservation, hold_s)
        self._count(arrival, checked)
        return arrival.signal.answer(checked.rejected, checked.message(arrival.signal.records))

    def _trim_soon(self) -> None:
        """Once the large requests of this moment are done with, give their memory back to the system."""
        if not self._trim_is_due:
            self._trim_is_due = True
            asyncio.get_running_loop().call_later(TRIM_AFTER_S, self._trim)

    def _trim(self) -> None:
        self._trim_is_due = False
        self._threads.submit(trim)

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run what takes long and leaves the loop alone meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def failed(self, error: BaseException, signal: str, transport: str) -> Failure:
        """Count `error`, log what nobody expected, and say how it is answered."""
        failure = Failure.of(error)
        # The frames on the way here hold the body, whose memory is given back by now: let it go before anybody waits.
        clear_frames(error.__traceback__)
        labels = {"signal": signal, "transport": transport, "code": failure.rule.grpc_code}
        self.counters.add("requests_refused_total", labels=labels)
        if not isinstance(error, LedgerError):
            self.log.warning(f"handler-{type(error).__name__}", f"{transport} request of {signal} failed", error=error)
        return failure

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _affordable(self, amount: int) -> int:
        if amount > self.options.memory_bytes_max:
            raise TooLarge(
                f"the request would unfold to about {amount} bytes, the limit is {self.options.memory_bytes_max} "
                "(memory_bytes_max); send fewer records in a request, or protobuf instead of JSON"
            )
        return amount

    async def _checked(self, arrival: Arrival) -> Checked:
        try:
            if arrival.is_json:
                return await self.in_thread(self._check_json, arrival)
            if len(arrival.body) > PARSE_FREELY_BYTES:
                return await self.in_thread(self._check, arrival.signal, arrival.body)
            return self._check(arrival.signal, arrival.body)
        except TooLarge:
            raise
        except Refused as error:
            arguments = (arrival.signal.name, arrival.transport, arrival.content_type, arrival.body, str(error))
            noted = self._refusals.record(*arguments)
            self.counters.add("refused_events_total", labels={"noted": "yes" if noted else "no"})
            raise

    def _check_json(self, arrival: Arrival) -> Checked:
        converted = to_protobuf(arrival.signal.name, arrival.body)
        return self._check(arrival.signal, converted.wire).of_json(converted)

    def _check(self, signal: Signal, wire: bytes) -> Checked:
        options = self.options
        return check(signal.name, wire, records_max=options.records_max, elements_max=options.elements_max)

    async def _append(self, arrival: Arrival, reservation: Reservation, hold_s: float) -> int:
        """Journal the bytes. A journal that has no room is asked again until the hold is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + hold_s
        draft = Draft(arrival.signal.kind, arrival.body, transport=arrival.transport, content_type=arrival.content_type)
        while True:
            self.check_backlog()
            try:
                return await self._durable(self._journal.submit(draft), reservation, deadline)
            except Overloaded:
                if loop.time() + JOURNAL_RETRY_S > deadline:
                    raise
                self.admission.check_open()
                await asyncio.sleep(JOURNAL_RETRY_S)

    async def _durable(self, future: "Future[int]", reservation: Reservation, deadline: float) -> int:
        """Wait for the disk. What it has not begun to write when the hold is over is taken back and refused."""
        loop = asyncio.get_running_loop()
        # A timer is a tenth of what asyncio.wait costs, and this is the way of every request.
        timer = loop.call_at(max(deadline, loop.time() + DISK_S), self._journal.withdraw, future)
        early = loop.call_later(DISK_S, self._take_back, future)
        try:
            # Shielded: a sender that hangs up must not cancel what the journal is writing.
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError as error:
            if future.cancelled():
                raise Overloaded("the disk did not come to it in time; send the request again") from error
            _release_when_done(future, reservation)
            raise
        finally:
            timer.cancel()
            early.cancel()

    def _take_back(self, future: "Future[int]") -> None:
        """What waits this long, because more was let in than the disk turned out to take."""
        if self._journal.backlog_s > self.options.backlog_s:
            self._journal.withdraw(future)

    def _count(self, arrival: Arrival, checked: Checked) -> None:
        labels = {"signal": arrival.signal.name, "transport": arrival.transport}
        self.counters.add("requests_accepted_total", labels=labels)
        self.counters.add("records_accepted_total", checked.records - checked.rejected, labels=labels)
        self.counters.add("records_rejected_total", checked.rejected, labels=labels)
        self.counters.add("body_bytes_total", len(arrival.body), labels=labels)


def _release_when_done(future: "Future[int]", reservation: Reservation) -> None:
    """The sender is gone, its bytes are not: move them to a reservation of their own until the journal lets go."""
    loop = asyncio.get_running_loop()
    left = Reservation(reservation.admission, reservation.bytes)
    reservation.bytes = 0

    def release(_: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(left.release)

    future.add_done_callback(release)

"""Seeded senders: agents' traces as OTLP requests, late, again, in pieces, sometimes broken; and what is true of them.

A trace is planned whole and its spans are sent in any order, so parents come after their children, and some never. The
reference (`Truth`) is a plain reading of the rules over what the journal holds, one span at a time.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger.books.cost_sources import Choice, choice_body
from ledger.books.format import encode
from ledger.journal import kinds
from ledger.journal.frame import Draft
from tests.durability.load import attribute
from tests.ledger.books.made import offer, provider_record
from tests.sim.clock import START_NS

BOOK = encode(
    [
        provider_record("acme", {"equals": "acme"}),
        *offer("acme", "sim", {"equals": "sim"}, fresh_input_tokens="2", output_tokens="8"),
    ],
    "test",
    "1",
)
"""Acme's model sim: $2 a million tokens in, $8 a million out."""
PUBLISHED = Draft(
    kinds.PRICE_BOOK_PUBLISHED, BOOK, key="price_book.seed", content_type="application/vnd.apache.parquet"
)
USD_OF = {1_000: Decimal("0.0028"), 3_000: Decimal("0.0068"), 500_000: Decimal("1.0008")}
"""Tokens in -> what the call costs, with 100 out: 1,000 at $2 and 100 at $8 a million are $0.0020 and $0.0008."""
TOKENS_OUT = 100
HOUR_NS = 3_600 * 10**9
SERVICE = "shop"

CALL, UNKNOWN_MODEL, AGENT, CHAIN, TOOL = "call", "unknown model", "agent", "chain", "tool"
OPERATION = {CALL: "chat", UNKNOWN_MODEL: "chat", AGENT: "invoke_agent", CHAIN: "chain", TOOL: "execute_tool"}


@dataclass(frozen=True)
class Sent:
    """One span as it was sent."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    kind: str
    tokens: int
    end_ns: int

    @property
    def identity(self) -> tuple[bytes, bytes]:
        return self.trace_id, self.span_id

    @property
    def usd(self) -> Decimal | None:
        return USD_OF[self.tokens] if self.kind == CALL else None


@dataclass(frozen=True)
class Request:
    """A draft, the spans that can be read from it, and how many rows of quarantine it gives."""

    draft: Draft
    spans: tuple[Sent, ...] = ()
    unreadable: int = 0


class Clients:
    """All senders together. What they give never repeats a body but on purpose."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._plans: list[list[Sent]] = []
        self.requests: dict[bytes, Request] = {}
        self.unacked: list[Request] = []

    def next(self) -> Request:
        """A new request, or one that was sent before, acked or not."""
        kind = self._chance.random()
        if self.unacked and kind < 0.3:
            return self.unacked.pop(self._chance.randrange(len(self.unacked)))
        if self.requests and kind < 0.4:
            return self._chance.choice(list(self.requests.values()))
        make = self._control if kind > 0.96 else self._broken if kind > 0.93 else self._telemetry
        request = make()
        self.requests[request.draft.body] = request
        return request

    def _telemetry(self) -> Request:
        if len(self._plans) < 2 or self._chance.random() < 0.3:
            self._plans.append(self._plan())
        plans = self._chance.sample(self._plans[-4:], k=min(len(self._plans), self._chance.randrange(1, 3)))
        spans = [self._said(self._chance.choice(plan)) for plan in plans for _ in range(self._chance.randrange(1, 4))]
        return Request(_draft(body_of(spans)), tuple(spans))

    def _plan(self) -> list[Sent]:
        trace_id, spans = self._chance.randbytes(16), list[Sent]()
        for _ in range(self._chance.randrange(2, 10)):
            parents = [span for span in spans if span.kind not in (CALL, UNKNOWN_MODEL)]
            kind = self._chance.choice((CALL, CALL, CALL, UNKNOWN_MODEL, AGENT, CHAIN, TOOL))
            if kind == CALL and self._chance.random() < 0.15:
                parents = spans
            parent_id = self._chance.choice(parents).span_id if parents else b""
            end_ns = START_NS - self._chance.randrange(3) * HOUR_NS - self._chance.randrange(10**12)
            tokens = self._chance.choice(list(USD_OF))
            spans.append(Sent(trace_id, self._chance.randbytes(8), parent_id, kind, tokens, end_ns))
        return spans

    def _said(self, span: Sent) -> Sent:
        """The span as planned, or now and then another under its identity: the first in the journal counts."""
        other = self._chance.choice(list(USD_OF))
        differs = span.kind in (CALL, UNKNOWN_MODEL) and self._chance.random() < 0.06
        return replace(span, tokens=other) if differs else span

    def _broken(self) -> Request:
        """A request of which nothing can be read, or one with a span without an id beside a good one."""
        if self._chance.random() < 0.5:
            return Request(_draft(b"\x0a\xff" + self._chance.randbytes(8)), unreadable=1)
        good = self._plan()[0]
        nameless = replace(good, span_id=bytes(8))
        return Request(_draft(body_of([nameless, good])), (good,), unreadable=1)

    def _control(self) -> Request:
        """A setting under a key that may have come before, or the price book again."""
        if self._chance.random() < 0.3:
            return Request(PUBLISHED)
        key, value = f"key {self._chance.randrange(3)}", self._chance.randbytes(4).hex()
        return Request(Draft(kinds.CONFIG_SET, choice_body(Choice(key, "max", value, "jane")), key=key))


def _draft(body: bytes) -> Draft:
    return Draft(kinds.OTLP_TRACES, body, transport="grpc", content_type="application/x-protobuf")


def body_of(spans: Sequence[Sent]) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(attribute("service.name", SERVICE))
    scope = resource.scope_spans.add()
    for sent in spans:
        span = scope.spans.add(
            trace_id=sent.trace_id, span_id=sent.span_id, parent_span_id=sent.parent_id, name=sent.kind,
            start_time_unix_nano=sent.end_ns - 10**9 if sent.end_ns else START_NS, end_time_unix_nano=sent.end_ns,
        )  # fmt: skip
        span.attributes.extend(attribute(key, value) for key, value in _attributes(sent))
    body: bytes = request.SerializeToString()
    return body


def _attributes(sent: Sent) -> Iterator[tuple[str, str | int]]:
    yield "gen_ai.operation.name", OPERATION[sent.kind]
    if sent.kind in (CALL, UNKNOWN_MODEL):
        yield "gen_ai.provider.name", "acme"
        yield "gen_ai.request.model", "sim" if sent.kind == CALL else "nobody prices this"
        yield "gen_ai.usage.input_tokens", sent.tokens
        yield "gen_ai.usage.output_tokens", TOKENS_OUT
    if sent.kind == AGENT:
        yield "gen_ai.agent.name", agent_of(sent)
    if sent.kind == TOOL:
        yield "gen_ai.tool.name", "search"


def agent_of(sent: Sent) -> str:
    return f"agent {sent.span_id[0] % 4}"


@dataclass
class Truth:
    """What the ledger must say of requests that were posted in this order."""

    spans: dict[tuple[bytes, bytes], Sent] = field(default_factory=dict)
    repeated: int = 0
    conflicts: int = 0
    unreadable: int = 0

    @classmethod
    def of(cls, requests: Sequence[Request]) -> "Truth":
        truth = cls()
        for request in requests:
            truth.unreadable += request.unreadable
            for span in request.spans:
                truth.repeated += span.identity in truth.spans
                truth.conflicts += truth.spans.setdefault(span.identity, span) != span
        return truth

    def billed(self) -> dict[bytes, Sent]:
        """Model calls by span id: the innermost of model spans within model spans."""
        calls = {span.identity: span for span in self.spans.values() if span.kind in (CALL, UNKNOWN_MODEL)}
        outer = {(span.trace_id, span.parent_id) for span in calls.values()}
        return {span.span_id: span for identity, span in calls.items() if identity not in outer}

    def agent(self, span: Sent) -> str:
        """The nearest agent above, as far up as the spans are known; else the service."""
        above = self.spans.get((span.trace_id, span.parent_id))
        while above is not None and above.kind != AGENT:
            above = self.spans.get((above.trace_id, above.parent_id))
        return agent_of(above) if above else SERVICE

    def usd_by_agent(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for span in self.billed().values():
            if span.usd is not None:
                sums[self.agent(span)] = sums.get(self.agent(span), Decimal(0)) + span.usd
        return sums

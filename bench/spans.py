"""Encoded spans by the thousand: each kind is encoded once, and what differs is patched in, column by column."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

AGENT, STEP, MODEL, TOOL = range(4)
AGENTS = ("planner", "researcher", "coder", "reviewer", "support", "billing", "router")
MODELS = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-4o"))

# Marks that stand in a template where a span's own bytes go; each is found once by its bytes.
TRACE, SPAN, PARENT = b"\x01TRACE-ID-HERE-\x02", b"\x01SPAN-ID", b"\x01PARENT\x02"
START, END = b"\x01START-\x02", b"\x01ENDS--\x02"
TALK, RESPONSE = b"\x01\x02", b"\x01RESPONSE-HERE-\x02"
INPUT_TOKENS, OUTPUT_TOKENS = b"\x81\x60", b"\x82\x60"
PROMPT, ANSWER = b"\x03" * 1_500, b"\x04" * 700
WORDS = [
    *("agent", "budget", "cache", "charge", "evidence", "failed", "finance", "invoice", "journal", "ledger", "model"),
    *("order", "page", "price", "prompt", "query", "retry", "review", "run", "search", "settle", "span", "step"),
    *("table", "token", "tool", "trace", "update", "vendor", "week", "window"),
]


def prose(n: int, length: int) -> Bytes:
    """`n` texts of `length` ASCII bytes, about as compressible as what agents send."""
    rng = np.random.default_rng(7)
    texts = [" ".join(rng.choice(WORDS, length // 3))[:length] for _ in range(n)]
    return np.frombuffer("".join(texts).encode(), np.uint8).reshape(n, length)


PROSE = prose(997, len(PROMPT))


@dataclass(frozen=True)
class Batch:
    """Spans of one kind and one service, column by column; no parents means roots."""

    trace_ids: Bytes
    span_ids: Bytes
    parents: Bytes | None
    starts: Numbers
    ends: Numbers
    talks: Numbers
    """Number of the conversation of each."""


def encode(rng: np.random.Generator, kind: int, service: int, content: bool, batch: Batch) -> NDArray[np.object_]:
    """Spans as they stand in a ScopeSpans message: tag, length and body each."""
    n = len(batch.span_ids)
    out = np.empty(n, dtype=object)
    for model in range(min(n, len(MODELS))):
        rows = np.flatnonzero(np.arange(n) % len(MODELS) == model)
        template = template_of(kind, service, model, content, batch.parents is not None)
        block = np.tile(template.body, (len(rows), 1))
        for mark, values in patches(rng, batch, rows):
            template.put(block, mark, values)
        out[rows] = [row.tobytes() for row in block]
    return out


def patches(rng: np.random.Generator, batch: Batch, rows: Numbers) -> Iterator[tuple[bytes, Bytes]]:
    """What goes in place of which mark."""
    n = len(rows)
    yield TRACE, batch.trace_ids[rows]
    yield SPAN, batch.span_ids[rows]
    if batch.parents is not None:
        yield PARENT, batch.parents[rows]
    yield START, little_endian(batch.starts[rows])
    yield END, little_endian(batch.ends[rows])
    yield TALK, decimal_text(batch.talks[rows], len(TALK))
    yield RESPONSE, hex_text(batch.span_ids[rows])
    yield INPUT_TOKENS, varint(rng.integers(200, 16_000, n))
    yield OUTPUT_TOKENS, varint(rng.integers(130, 2_000, n))
    yield PROMPT, PROSE[rng.integers(0, len(PROSE), n)]
    yield ANSWER, PROSE[rng.integers(0, len(PROSE), n), : len(ANSWER)]


def little_endian(values: Numbers) -> Bytes:
    return values.astype("<u8")[:, None].view(np.uint8)


def varint(values: Numbers) -> Bytes:
    """Two-byte varints: 128 <= value < 16,384."""
    return np.stack([(values & 0x7F) | 0x80, values >> 7], axis=1).astype(np.uint8)


def decimal_text(values: Numbers, width: int) -> Bytes:
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (values[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def hex_text(ids: Bytes) -> Bytes:
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    return digits[np.stack([ids >> 4, ids & 15], axis=2).reshape(len(ids), -1)]


@dataclass(frozen=True)
class Template:
    """One encoded span with marks in place of what differs."""

    body: Bytes
    text: bytes

    def put(self, block: Bytes, mark: bytes, values: Bytes) -> None:
        at = self.text.find(mark)
        if at >= 0:
            block[:, at : at + len(mark)] = values


@cache
def template_of(kind: int, service: int, model: int, content: bool, parent: bool) -> Template:
    span = Span(
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id=PARENT if parent else b"",
        name=NAMES[kind].format(agent=AGENTS[service], model=MODELS[model][1]),
        kind=Span.SPAN_KIND_CLIENT if kind == MODEL else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=int.from_bytes(START, "little"),
        end_time_unix_nano=int.from_bytes(END, "little"),
        attributes=[attribute(k, v) for k, v in ATTRIBUTES[kind](service, model, content)],
        flags=0x101,
    )
    encoded = bytes(ScopeSpans(spans=[span]).SerializeToString())
    return Template(np.frombuffer(encoded, np.uint8), encoded)


NAMES = {AGENT: "invoke_agent {agent}", STEP: "step", MODEL: "chat {model}", TOOL: "execute_tool search_orders"}
Pairs = list[tuple[str, str | int]]


def attribute(key: str, value: str | int) -> KeyValue:
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def agent_attributes(service: int, _model: int, _content: bool) -> Pairs:
    return [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.agent.name", AGENTS[service]),
        ("gen_ai.conversation.id", "conversation-" + TALK.decode()),
        ("enduser.id", "user-17"),
        ("app.release", "2025.11.3"),
    ]


def step_attributes(service: int, _model: int, _content: bool) -> Pairs:
    return [("app.step", "think and act"), ("app.release", "2025.11.3"), ("app.queue", f"queue-{service}")]


def model_attributes(service: int, model: int, content: bool) -> Pairs:
    provider, name = MODELS[model]
    pairs: Pairs = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", provider),
        ("gen_ai.request.model", name),
        ("gen_ai.response.model", name),
        ("gen_ai.response.id", "chatcmpl-" + RESPONSE.decode()),
        ("gen_ai.response.finish_reasons", "stop"),
        ("gen_ai.request.max_tokens", 4096),
        ("gen_ai.usage.input_tokens", varint_value(INPUT_TOKENS)),
        ("gen_ai.usage.output_tokens", varint_value(OUTPUT_TOKENS)),
        ("gen_ai.conversation.id", "conversation-" + TALK.decode()),
        ("gen_ai.agent.name", AGENTS[service]),
        ("server.address", "api.provider.example"),
        ("server.port", 443),
        ("app.release", "2025.11.3"),
        ("app.feature", "order-assistant"),
    ]
    return pairs + messages() if content else pairs


def messages() -> Pairs:
    ask = '[{"role":"user","parts":[{"type":"text","content":"' + PROMPT.decode() + '"}]}]'
    answer = '[{"role":"assistant","parts":[{"type":"text","content":"' + ANSWER.decode() + '"}]}]'
    return [("gen_ai.input.messages", ask), ("gen_ai.output.messages", answer)]


def tool_attributes(service: int, _model: int, content: bool) -> Pairs:
    pairs: Pairs = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "search_orders"),
        ("gen_ai.tool.call.id", "call_" + RESPONSE.decode()),
        ("gen_ai.tool.type", "function"),
        ("gen_ai.agent.name", AGENTS[service]),
        ("app.release", "2025.11.3"),
        ("app.feature", "order-assistant"),
    ]
    call = [("gen_ai.tool.call.arguments", '{"query":"open orders"}'), ("gen_ai.tool.call.result", PROMPT.decode())]
    return [*pairs, *call] if content else pairs


def varint_value(mark: bytes) -> int:
    return (mark[0] & 0x7F) | mark[1] << 7


ATTRIBUTES = {AGENT: agent_attributes, STEP: step_attributes, MODEL: model_attributes, TOOL: tool_attributes}


def request(service: int, spans: list[bytes]) -> bytes:
    """One ExportTraceServiceRequest: one resource, one scope, these spans."""
    one = ResourceSpans()
    one.resource.attributes.extend(
        attribute(k, v)
        for k, v in (
            ("service.name", f"svc-{AGENTS[service]}"),
            ("service.version", "3.1.4"),
            ("deployment.environment.name", "production"),
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.sdk.language", "python"),
        )
    )
    head = bytes(ScopeSpans(scope=InstrumentationScope(name="bench.workload")).SerializeToString())
    body = delimited(0x12, head + b"".join(spans))
    return delimited(0x0A, bytes(one.SerializeToString()) + body)


def delimited(tag: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([tag, *length]) + body

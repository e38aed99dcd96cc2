"""Writes `runaway_loop.traces.binpb`: one agent that repeats a failing $0.10 step until somebody stops it.

Each turn is a model call of 36,000 tokens in and 1,000 tokens out on gpt-4o (list price $2.50 and $10.00 a million:
$0.09 + $0.01 = $0.10), then a tool call that fails with the same error each time. 250 turns: $25.00, nothing done.
Ids and times are fixed, so the same OpenTelemetry SDK writes the same bytes:
`python sample_traces/runaway_loop/make.py`
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

OUTPUT = Path(__file__).parent / "runaway_loop.traces.binpb"
TURNS = 250
INPUT_TOKENS, OUTPUT_TOKENS = 36_000, 1_000
TRACE_ID = int.from_bytes(hashlib.sha256(b"runaway_loop").digest()[:16])
START_NS = int(datetime(2026, 11, 16, 9, 0, tzinfo=UTC).timestamp()) * 10**9
SECOND_NS = 10**9
MODEL_NS, TOOL_NS, TURN_NS = 3 * SECOND_NS, SECOND_NS // 2, 4 * SECOND_NS
ERROR = "PermissionError: ledger 2026-10 is closed; ask finance to reopen it"
TASK = "Book invoice 4711 into the October ledger."


class CountedIds(IdGenerator):
    """Trace and span ids that are the same in every run."""

    def __init__(self) -> None:
        self.spans = itertools.count()

    def generate_trace_id(self) -> int:
        return TRACE_ID

    def generate_span_id(self) -> int:
        return int.from_bytes(hashlib.sha256(b"runaway_loop %d" % next(self.spans)).digest()[:8])


def spans() -> tuple[ReadableSpan, ...]:
    """The whole run, in the order in which the spans ended: the agent's own span comes last."""
    exported = InMemorySpanExporter()
    processors = SynchronousMultiSpanProcessor()
    processors.add_span_processor(SimpleSpanProcessor(exported))
    provider = TracerProvider(
        resource=Resource({"service.name": "back-office", "deployment.environment.name": "production"}),
        id_generator=CountedIds(),
        active_span_processor=processors,
        shutdown_on_exit=False,
    )
    run(provider.get_tracer("runaway_loop.sample", "1"))
    return exported.get_finished_spans()


def run(tracer: Tracer) -> None:
    agent = tracer.start_span(
        "invoke_agent invoice_clerk",
        kind=SpanKind.INTERNAL,
        start_time=START_NS,
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "openai",
            "gen_ai.agent.name": "invoice_clerk",
            "gen_ai.conversation.id": "invoice-4711",
        },
    )
    beneath = set_span_in_context(agent)
    for turn, start_ns in turns():
        ask = tracer.start_span(
            "chat gpt-4o", beneath, SpanKind.CLIENT, attributes=model_call(turn), start_time=start_ns
        )
        ask.end(start_ns + MODEL_NS)
        book = tracer.start_span(
            "execute_tool book_invoice",
            beneath,
            attributes=tool_call(turn),
            start_time=start_ns + MODEL_NS,
        )
        book.set_status(Status(StatusCode.ERROR, ERROR))
        book.end(start_ns + MODEL_NS + TOOL_NS)
    agent.set_status(Status(StatusCode.ERROR, "stopped by the operator"))
    agent.end(START_NS + TURNS * TURN_NS)


def turns() -> Iterator[tuple[int, int]]:
    return ((turn, START_NS + turn * TURN_NS) for turn in range(TURNS))


def model_call(turn: int) -> dict[str, str | int]:
    ask = [{"role": "user", "parts": [{"type": "text", "content": TASK}]}]
    if turn:
        ask.append({"role": "tool", "parts": [{"type": "tool_call_response", "response": ERROR}]})
    call = {"type": "tool_call", "id": f"call_{turn:04}", "name": "book_invoice", "arguments": {"invoice": 4711}}
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": f"chatcmpl-runaway-{turn:04}",
        "gen_ai.usage.input_tokens": INPUT_TOKENS,
        "gen_ai.usage.output_tokens": OUTPUT_TOKENS,
        "gen_ai.input.messages": json.dumps(ask),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [call], "finish_reason": "tool_call"}]),
    }


def tool_call(turn: int) -> dict[str, str]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "book_invoice",
        "gen_ai.tool.call.id": f"call_{turn:04}",
        "gen_ai.tool.call.arguments": json.dumps({"invoice": 4711, "period": "2026-10"}),
        "gen_ai.tool.call.result": ERROR,
        "error.type": "PermissionError",
    }


def encoded() -> bytes:
    return bytes(encode_spans(spans()).SerializeToString(deterministic=True))


if __name__ == "__main__":
    OUTPUT.write_bytes(encoded())

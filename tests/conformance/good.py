"""Good spans whose cost is known by hand, on the wire and as JSON, and requests of many of them around another."""

import json
from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256

from tests.ingest.otlp import field, string_attribute, varint

START_NS = 1_795_000_000 * 10**9
END_NS = START_NS + 10**9
COST_USD = Decimal("0.1")
"""Of each good span: gpt-4o, 36,000 tokens in and 1,000 out, $2.50 and $10 a million."""
TEXTS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
}
COUNTS = {"gen_ai.usage.input_tokens": 36_000, "gen_ai.usage.output_tokens": 1_000}
SIBLINGS = 100
"""Good spans around a bad one."""


def trace_of(name: str) -> bytes:
    """A trace id that belongs to `name`."""
    return sha256(name.encode()).digest()[:16]


def span_id(number: int) -> bytes:
    return (number + 1).to_bytes(8, "big")


def fixed64(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def int_field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value % 2**64)


def attribute(key: str | bytes, value: bytes) -> bytes:
    """A span's attribute whose AnyValue is the wire bytes `value`."""
    key = key.encode() if isinstance(key, str) else key
    return field(9, field(1, key) + field(2, value))


def span(trace_id: bytes, number: int = 0) -> bytes:
    """The wire bytes of a model call that costs COST_USD."""
    texts = b"".join(string_attribute(key.encode(), text.encode()) for key, text in TEXTS.items())
    counts = b"".join(attribute(key, int_field(3, count)) for key, count in COUNTS.items())
    own = field(1, trace_id) + field(2, span_id(number)) + field(5, b"chat gpt-4o") + int_field(6, 3)
    return own + fixed64(7, START_NS) + fixed64(8, END_NS) + texts + counts


def json_span(trace_id: bytes, number: int = 0) -> dict[str, object]:
    """The same span as JSON."""
    texts = [{"key": key, "value": {"stringValue": text}} for key, text in TEXTS.items()]
    counts = [{"key": key, "value": {"intValue": str(count)}} for key, count in COUNTS.items()]
    return {
        "traceId": trace_id.hex(),
        "spanId": span_id(number).hex(),
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(END_NS),
        "attributes": texts + counts,
    }


def resource(service: str) -> bytes:
    return field(1, field(1, b"service.name") + field(2, field(1, service.encode())))


def group(spans: Sequence[bytes], of: bytes = b"", scope: bytes = b"") -> bytes:
    """A request of one resource and one scope, whose own bytes are `of` and `scope`."""
    inner = field(1, scope) + b"".join(field(2, one) for one in spans)
    return field(1, field(1, of) + field(2, inner))


def around(name: str, bad: bytes, siblings: int = SIBLINGS, *, of: bytes = b"", scope: bytes = b"") -> bytes:
    """A request of good spans of the trace `name`, and in their midst `bad`."""
    spans = [span(trace_of(name), number) for number in range(siblings)]
    spans.insert(siblings // 2, bad)
    return group(spans, of or resource("good"), scope)


def json_around(name: str, bad: bytes, siblings: int = SIBLINGS) -> bytes:
    """The same as JSON; `bad` is text of whatever kind."""
    spans = [json.dumps(json_span(trace_of(name), number)).encode() for number in range(siblings)]
    spans.insert(siblings // 2, bad)
    service = b'{"attributes":[{"key":"service.name","value":{"stringValue":"good"}}]}'
    listed = b",".join(spans)
    return b'{"resourceSpans":[{"resource":%s,"scopeSpans":[{"spans":[%s]}]}]}' % (service, listed)


def json_with(trace_id: bytes, members: bytes, number: int = 0) -> bytes:
    """A good span as JSON text with `members` behind its own; of a key that comes twice the last one counts."""
    return json.dumps(json_span(trace_id, number)).encode()[:-1] + b"," + members + b"}"

"""Events and requests for the decoder's tests: by hand, by hypothesis, and from the samples."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.dialects import DIALECTS
from ingest.dialects.dialect import Inside
from ledger.journal.frame import Event

SAMPLES = Path(__file__).parents[3] / "sample_traces"
CAPTURES = {path.name.split(".")[0]: path for path in sorted(SAMPLES.glob("*/*.traces.binpb"))}
PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE, SPAN = bytes(range(16)), bytes(range(8))


def event(body: bytes, seq: int = 2, content_type: str = PROTOBUF, tenant: str = "default") -> Event:
    return Event(
        kind="otlp.traces",
        body=body,
        key="",
        tenant=tenant,
        principal="anonymous",
        transport="http",
        content_type=content_type,
        event_seq=seq,
        received_ns=1_000_000 + seq,
        raw_sha256=hashlib.sha256(body).digest(),
        salt_secret=bytes(32),
        file_number=0,
        offset=0,
        frame_bytes=0,
    )


def capture(name: str) -> bytes:
    return CAPTURES[name].read_bytes()


def request(
    *spans: Mapping[str, object], scope: str = "app", resource: Mapping[str, object] | None = None
) -> ExportTraceServiceRequest:
    """A request of one scope; a span is its fields, `attributes` a mapping, ids filled in where they are not given."""
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    put(group.resource.attributes, resource or {"service.name": "shop"})
    scope_spans = group.scope_spans.add()
    scope_spans.scope.name = scope
    for number, fields in enumerate(spans, start=1):
        span = scope_spans.spans.add(trace_id=TRACE, span_id=number.to_bytes(8))
        put(span.attributes, fields.get("attributes", {}))
        for name, value in fields.items():
            if name == "status":
                span.status.code = value
            elif name != "attributes":
                setattr(span, name, value)
    return made


def put(attributes, pairs: Mapping[str, object]) -> None:
    for key, value in pairs.items():
        set_value(attributes.add(key=key).value, value)


def set_value(target, value: object) -> None:
    """`value` as an AnyValue; None leaves it unset."""
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            set_value(target.array_value.values.add(), item)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for key, item in value.items():
            set_value(target.kvlist_value.values.add(key=key).value, item)


def known_keys() -> Iterator[str]:
    for dialect in DIALECTS:
        yield from dialect.marks
        for sources in dialect.fields.values():
            yield from (source.key if isinstance(source, Inside) else source for source in sources)


KEYS = sorted(set(known_keys()))
SCOPES = [
    "app",
    "",
    "gen_aix",
    *(f"{scope}x" if scope[-1] in ". " else scope for one in DIALECTS for scope in one.scopes),
]
WORDS = [
    *("", "chat", "LLM", "TOOL", "AGENT", "execute_tool", "invoke_agent", "2006", "-1", "1e9", "true", '{"id":"x"}'),
    *(
        "generation",
        "llm_request",
        "ai.embed.doEmbed",
        '{"input": 21, "total": 0.5}',
        "{'prompt_tokens': 7}",
        '"search"',
    ),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(0, 3000)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
    | st.binary(max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
attributes = st.lists(st.tuples(st.sampled_from(KEYS) | st.text(max_size=4), values), max_size=12)
ids = st.sampled_from([b"", bytes(16), bytes(8), TRACE, SPAN, b"\1"]) | st.binary(max_size=17)


@st.composite
def requests(draw) -> bytes:
    """Any request that an encoder could make, good ids and bad, known attributes and unknown, some twice."""
    made = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        group = made.resource_spans.add()
        for key, value in draw(attributes):
            set_value(group.resource.attributes.add(key=key).value, value)
        for _ in range(draw(st.integers(0, 2))):
            scope_spans = group.scope_spans.add()
            scope_spans.scope.name = draw(st.sampled_from(SCOPES))
            for _ in range(draw(st.integers(0, 3))):
                draw_span(draw, scope_spans.spans.add())
    return made.SerializeToString()


def draw_span(draw, span) -> None:
    span.trace_id = draw(st.just(TRACE) | ids)
    span.span_id = draw(st.just(SPAN) | ids)
    span.parent_span_id = draw(st.sampled_from([b"", bytes(8), SPAN, b"\1"]))
    span.name = draw(st.sampled_from(["chat gpt-4o", "execute_tool f", "handoff to x", ""]))
    span.kind = draw(st.integers(0, 5) | st.sampled_from([99, -1]))
    span.start_time_unix_nano = draw(st.integers(0, 2**64 - 1))
    span.end_time_unix_nano = draw(st.integers(0, 2**64 - 1))
    if draw(st.booleans()):
        span.status.code = draw(st.sampled_from([0, 1, 2, 3]))
        span.status.message = draw(st.text(max_size=4))
    for key, value in draw(attributes):
        set_value(span.attributes.add(key=key).value, value)

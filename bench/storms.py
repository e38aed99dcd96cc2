"""What `bench.memory` sends: ordinary load, and every shape that we know of in which bytes become much more memory.

Each storm is within the limits of the configuration unless its name says refused. Spans are made by stamping ids into
one encoded span, so that a hundred thousand take milliseconds.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from bench.spans import Bytes, attribute, delimited, request
from bench.workload import SHAPES, START_NS, random_ids, requests

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE, SPAN, PARENT, NAME = b"\x01TRACE-ID-HERE-\x02", b"\x01SPAN-ID", b"\x01PARENT\x02", b"NAME-IN-HEXDIGIT"
Pairs = Sequence[tuple[str, str | int]]
CHAT: Pairs = (
    ("gen_ai.operation.name", "chat"),
    ("gen_ai.provider.name", "openai"),
    ("gen_ai.request.model", "gpt-4o"),
    ("gen_ai.usage.input_tokens", 36_000),
    ("gen_ai.usage.output_tokens", 1_000),
)


@dataclass(frozen=True)
class Post:
    """One request: over gRPC where there is no content type."""

    body: bytes
    content_type: str = ""
    encoding: str = ""


@dataclass(frozen=True)
class Storm:
    posts: Callable[[], Iterator[Post]]
    senders: int = 16


def stamped(n: int, pairs: Pairs, trace: Bytes, span: Bytes, parent: Bytes | None = None, name: str = "chat") -> bytes:
    """`n` spans as they stand in a ScopeSpans message. NAME in a value becomes a text of its own in each span."""
    template = Span(
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id=b"" if parent is None else PARENT,
        name=name,
        start_time_unix_nano=START_NS,
        end_time_unix_nano=START_NS + 10**9,
        attributes=[attribute(key, value) for key, value in pairs],
    )
    text = bytes(ScopeSpans(spans=[template]).SerializeToString())
    block = np.tile(np.frombuffer(text, np.uint8), (n, 1))
    own = np.frombuffer(b"".join(b"%016x" % k for k in range(n)), np.uint8).reshape(n, -1)
    for mark, values in ((TRACE, trace), (SPAN, span), (PARENT, parent), (NAME, own)):
        at = text.find(mark)
        while at >= 0 and values is not None:
            block[:, at : at + len(mark)] = values
            at = text.find(mark, at + 1)
    return block.tobytes()


def one_request(spans: bytes) -> bytes:
    return request(0, [spans])


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def ordinary(shape: str, spans: int, request_spans: int = 512) -> Iterator[Post]:
    return (Post(body) for body in requests(SHAPES[shape], spans, request_spans=request_spans))


def zipped(posts: Iterator[Post]) -> Iterator[Post]:
    return (Post(gzip.compress(post.body, 1), PROTOBUF, "gzip") for post in posts)


def apart(count: int, n: int, pairs: Pairs = (), name: str = "chat") -> Iterator[Post]:
    """Requests of `n` spans, each span a trace of its own."""
    for seed in range(count):
        make = rng(seed)
        yield Post(one_request(stamped(n, pairs, random_ids(make, n, 16), random_ids(make, n, 8), name=name)))


def attributes(count: int, distinct: int) -> Iterator[Post]:
    """Half a million attributes a request, `distinct` keys, twenty a span."""
    for seed in range(count):
        make, n = rng(seed), 24_000
        trace, span = random_ids(make, n, 16), random_ids(make, n, 8)
        keys = make.integers(0, distinct, (n // 100, 20))
        parts = (
            stamped(100, [(f"k{k:07d}", 1) for k in row], trace[at : at + 100], span[at : at + 100], name="")
            for row, at in zip(keys, range(0, n, 100), strict=True)
        )
        yield Post(one_request(b"".join(parts)))


def long_value(count: int, bytes_each: int) -> Iterator[Post]:
    text = np.full(bytes_each, ord("x"), np.uint8).tobytes().decode()
    return apart(count, 1, [*CHAT, ("gen_ai.input.messages", text)])


def one_trace(total: int, per_request: int, parents: Callable[[Bytes], Bytes | None], pairs: Pairs) -> Iterator[Post]:
    """One trace in many requests. `parents` gives the parent of each span from the ids of all."""
    make = rng()
    trace, ids = random_ids(make, 1, 16), random_ids(make, total, 8)
    parent = parents(ids)
    for first in range(0, total, per_request):
        span = ids[first : first + per_request]
        below = None if parent is None else parent[first : first + per_request]
        yield Post(one_request(stamped(len(span), pairs, np.repeat(trace, len(span), axis=0), span, below)))


def beneath_first(ids: Bytes) -> Bytes:
    parents: Bytes = np.repeat(ids[:1], len(ids), axis=0)
    return parents


def beneath_last(ids: Bytes) -> Bytes:
    parents: Bytes = np.repeat(ids[-1:], len(ids), axis=0)
    return parents


def chained(ids: Bytes) -> Bytes:
    parents: Bytes = np.roll(ids, 1, axis=0)
    parents[0] = ids[0]
    return parents


def chained_backwards(ids: Bytes) -> Bytes:
    parents: Bytes = np.roll(ids, -1, axis=0)
    parents[-1] = ids[-1]
    return parents


def broken_text(count: int, n: int, pairs: Pairs) -> Iterator[Post]:
    """Requests in which the last attribute of each span is no UTF-8, so that no strict parser takes them."""
    for post in apart(count, n, [*pairs, ("app.note", "broken-text")]):
        yield Post(post.body.replace(b"broken-text", b"broken\xff\xfe\xfd\xfc\xfb"))


def without_ids(count: int, n: int) -> Iterator[Post]:
    zeros: NDArray[np.uint8] = np.zeros((n, 16), np.uint8)
    return (Post(one_request(stamped(n, CHAT, zeros, zeros[:, :8]))) for _ in range(count))


def twice_otherwise(n: int) -> Iterator[Post]:
    """The same spans twice, with other content the second time."""
    for answer in ("yes", "no!"):
        make = rng()
        trace, span = random_ids(make, n, 16), random_ids(make, n, 8)
        yield Post(one_request(stamped(n, [*CHAT, ("app.answer", answer)], trace, span)))


def as_json(count: int, n: int) -> Iterator[Post]:
    attributes_of = [
        {"key": k, "value": {"stringValue": v} if isinstance(v, str) else {"intValue": v}} for k, v in CHAT
    ]
    for seed in range(count):
        make = rng(seed)
        ids = zip(random_ids(make, n, 16), random_ids(make, n, 8), strict=True)
        spans = [
            {"traceId": t.tobytes().hex(), "spanId": s.tobytes().hex(), "name": "chat", "attributes": attributes_of}
            for t, s in ids
        ]
        body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
        yield Post(json.dumps(body).encode(), JSON)


def empty_spans(count: int) -> Iterator[Post]:
    body = delimited(0x0A, delimited(0x12, b"\x12\x00" * ((4 << 20) // 2 - 16)))
    return (Post(body) for _ in range(count))


def long_resource(count: int, n: int) -> Iterator[Post]:
    """One resource of 1,000 bytes for many small spans, whose rows repeat it."""
    resource = Resource(attributes=[attribute(f"host.note.{k:02d}", "x" * 30) for k in range(24)])
    head = delimited(0x0A, bytes(resource.SerializeToString()))
    for seed in range(count):
        make = rng(seed)
        spans = stamped(n, (), random_ids(make, n, 16), random_ids(make, n, 8), name="")
        yield Post(delimited(0x0A, head + delimited(0x12, spans)))


def resources(count: int, n: int) -> Iterator[Post]:
    """Each span with a resource of its own."""
    make = rng()
    for _ in range(count):
        parts = []
        for _ in range(n):
            span = stamped(1, CHAT, random_ids(make, 1, 16), random_ids(make, 1, 8))
            parts.append(request(0, [span]))
        yield Post(b"".join(parts))


NAMES: Pairs = (
    *(pair for pair in CHAT if pair[0] != "gen_ai.request.model"),
    *((key, NAME.decode()) for key in ("gen_ai.agent.name", "gen_ai.request.model", "gen_ai.conversation.id")),
    *((key, NAME.decode()) for key in ("enduser.id", "gen_ai.tool.name", "spanledger.run.id")),
)

STORMS: dict[str, Storm] = {
    "runs, metadata": Storm(partial(ordinary, "runs-meta", 300_000), 64),
    "runs, content": Storm(partial(ordinary, "runs-content", 150_000), 64),
    "a trace a span, metadata": Storm(partial(ordinary, "apart-meta", 200_000), 64),
    "one span a request": Storm(partial(ordinary, "runs-meta", 14_000, 1), 64),
    "47 MiB requests, refused": Storm(partial(ordinary, "runs-meta", 700_000, 100_000), 8),
    "60 MiB requests of content": Storm(partial(ordinary, "runs-content", 7 * 24_000, 24_000), 8),
    "60 MiB requests of content, gzip": Storm(lambda: zipped(ordinary("runs-content", 7 * 24_000, 24_000)), 8),
    "values of 63 MiB": Storm(partial(long_value, 8, 63 << 20), 8),
    "values of 1 MiB": Storm(partial(long_value, 300, 1 << 20), 64),
    "JSON requests of 20,000 spans": Storm(partial(as_json, 8, 20_000), 8),
    "empty spans, refused": Storm(partial(empty_spans, 64), 64),
    "65,000 spans of ids alone a request": Storm(partial(apart, 8, 65_000, (), ""), 8),
    "65,000 model spans a request": Storm(partial(apart, 8, 65_000, CHAT), 8),
    "480,000 attributes a request": Storm(partial(attributes, 6, 20), 6),
    "480,000 attributes of other keys a request": Storm(partial(attributes, 6, 10_000_000), 6),
    "1,000,000 names": Storm(partial(apart, 10, 50_000, NAMES), 8),
    "a resource of 1 kB for 65,000 spans": Storm(partial(long_resource, 6, 65_000), 6),
    "a resource a span": Storm(partial(resources, 6, 30_000), 6),
    "a trace of 400,000 spans": Storm(partial(one_trace, 400_000, 512, beneath_first, CHAT[:1]), 1),
    "100,000 model spans within one": Storm(partial(one_trace, 100_000, 512, beneath_first, CHAT), 1),
    "100,000 model spans, the one around them last": Storm(partial(one_trace, 100_000, 512, beneath_last, CHAT), 1),
    "100,000 model spans, each within the last": Storm(partial(one_trace, 100_000, 512, chained, CHAT), 1),
    "100,000 model spans, each around the last": Storm(partial(one_trace, 100_000, 512, chained_backwards, CHAT), 1),
    "65,000 spans of broken text a request": Storm(partial(broken_text, 4, 65_000, CHAT), 4),
    "65,000 spans without ids a request": Storm(partial(without_ids, 4, 65_000), 4),
    "65,000 spans again, otherwise": Storm(partial(twice_otherwise, 65_000), 1),
}

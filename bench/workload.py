"""Spans for the benchmarks: the same bytes for the same arguments, made by patching templates, so that it is quick.

Two shapes. `RUNS`: runs of 50 spans (an agent, 6 steps, 25 model calls, 18 tools), 7 agents, 50 conversations; each
service sends what several of its runs ended in turn, so children arrive many requests, seconds at full rate, before
the steps and the agent above them. `APART`: each span is a model call in a trace of its own, the worst case for
whatever keeps state by trace. `content` adds messages and tool results. Mean sizes: about 543 B and 2.6 kB a span.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.spans import AGENT, AGENTS, MODEL, STEP, TOOL, Batch, Bytes, encode, request

CONVERSATIONS = 50
START_NS = 1_763_884_800 * 10**9  # 2025-11-23T08:00:00Z
SECOND_NS = 10**9

CHILD_OF_STEP = [MODEL, TOOL, MODEL, TOOL, MODEL, TOOL, MODEL]


@dataclass(frozen=True)
class Tree:
    """One run's spans in the order in which they are sent: leaves, then the steps above them, then the agent."""

    kinds: NDArray[np.int64]
    parents: NDArray[np.int64]
    """For each span the position of its parent; -1 is a root."""

    @classmethod
    def of(cls, steps: int, more_leaves: int) -> "Tree":
        """`steps` steps of 7 leaves, and `more_leaves` model calls under the last of them."""
        leaves = len(CHILD_OF_STEP) * steps + more_leaves
        top = leaves + steps
        above = np.repeat(np.arange(leaves, top), len(CHILD_OF_STEP))
        kinds = [*(CHILD_OF_STEP * steps), *[MODEL] * more_leaves, *[STEP] * steps, AGENT]
        return cls(np.array(kinds), np.array([*above, *[top - 1] * more_leaves, *[top] * steps, -1]))


RUN = Tree.of(steps=6, more_leaves=1)
"""50 spans."""
LARGE_RUN = Tree.of(steps=1_249, more_leaves=7)
"""10,000 spans."""
CHUNK = 10
"""Spans of one run that a batch of its exporter carries."""


@dataclass(frozen=True)
class Shape:
    name: str
    runs: bool
    content: bool
    runs_open: int = 320
    """Runs that one service has under way at a time: what lies between a run's first request and its last."""
    run_every_ns: int = SECOND_NS // 20
    """Between the starts of two runs of one service."""


SHAPES = {
    "runs-meta": Shape("runs-meta", runs=True, content=False),
    "runs-content": Shape("runs-content", runs=True, content=True),
    "apart-meta": Shape("apart-meta", runs=False, content=False),
    "apart-content": Shape("apart-content", runs=False, content=True),
}


def requests(shape: Shape, spans: int, *, seed: int = 1, request_spans: int = 512) -> Iterator[bytes]:
    """Export requests with about `spans` spans in all, `request_spans` in each, one service a request."""
    rng = np.random.default_rng(seed)
    stream = runs_stream if shape.runs else apart_stream
    round_spans = request_spans * len(AGENTS)
    services = [stream(rng, shape, service, request_spans) for service in range(len(AGENTS))]
    for _ in range(max(1, round(spans / round_spans))):
        for service in services:
            yield next(service)


def runs_stream(rng: np.random.Generator, shape: Shape, service: int, request_spans: int) -> Iterator[bytes]:
    """One service's requests: chunk 0 of each open run, then chunk 1 of each, ..., and then new runs."""
    pending: list[bytes] = []
    n = shape.runs_open
    for cohort in range(1 << 30):
        spans = run_spans(rng, shape, service, cohort * n, n)
        chunks = spans.reshape(n, -1, CHUNK).swapaxes(0, 1).reshape(-1)
        for first in range(0, len(chunks), request_spans):
            pending.extend(chunks[first : first + request_spans])
            while len(pending) >= request_spans:
                yield request(service, pending[:request_spans])
                pending = pending[request_spans:]


def run_spans(
    rng: np.random.Generator, shape: Shape, service: int, first_run: int, n: int, tree: Tree = RUN
) -> NDArray[np.object_]:
    """(n, spans of `tree`) encoded spans of `n` runs."""
    per_run = len(tree.kinds)
    span_ids = random_ids(rng, n * per_run, 8).reshape(n, per_run, 8)
    trace_ids = np.repeat(random_ids(rng, n, 16)[:, None], per_run, axis=1)
    parents = span_ids[:, tree.parents]
    begin = START_NS + (first_run + np.arange(n))[:, None] * shape.run_every_ns
    is_leaf = tree.kinds >= MODEL
    starts = begin + np.where(is_leaf, np.arange(per_run), 0) * SECOND_NS // 10
    ends = starts + np.where(is_leaf, SECOND_NS // 12, per_run * SECOND_NS // 10)
    talks = np.repeat(rng.integers(0, CONVERSATIONS, n)[:, None], per_run, axis=1)
    out = np.empty((n, per_run), dtype=object)
    for kind in (AGENT, STEP, MODEL, TOOL):
        where = np.broadcast_to(kind == tree.kinds, out.shape)
        parent = None if kind == AGENT else parents[where]
        batch = Batch(trace_ids[where], span_ids[where], parent, starts[where], ends[where], talks[where])
        out[where] = encode(rng, kind, service, shape.content, batch)
    return out


def apart_stream(rng: np.random.Generator, shape: Shape, service: int, request_spans: int) -> Iterator[bytes]:
    for turn in range(1 << 30):
        n = request_spans
        starts = START_NS + (turn * n + np.arange(n)) * SECOND_NS // 1000
        talks = rng.integers(0, CONVERSATIONS, n)
        batch = Batch(random_ids(rng, n, 16), random_ids(rng, n, 8), None, starts, starts + SECOND_NS // 12, talks)
        yield request(service, list(encode(rng, MODEL, service, shape.content, batch)))


def random_ids(rng: np.random.Generator, n: int, width: int) -> Bytes:
    ids = rng.integers(0, 256, (n, width), dtype=np.uint8)
    ids[:, 0] |= 1  # an id of zeros is invalid
    return ids

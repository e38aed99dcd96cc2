"""The workload of the benchmarks is what it says: valid, deterministic, and in the order that makes posting hard."""

from itertools import islice

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench.workload import SHAPES, requests


def spans_of(body: bytes) -> list[Span]:
    parsed = ExportTraceServiceRequest.FromString(body)
    return [span for resource in parsed.resource_spans for scope in resource.scope_spans for span in scope.spans]


@pytest.mark.parametrize(("shape", "low", "high"), [("runs-meta", 450, 640), ("runs-content", 2_300, 3_100)])
def test_mean_span_size_is_what_the_figures_are_quoted_for(shape: str, low: int, high: int) -> None:
    bodies = list(islice(requests(SHAPES[shape], 20_000), 21))
    assert low < sum(map(len, bodies)) / sum(len(spans_of(body)) for body in bodies) < high


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert list(requests(SHAPES["runs-meta"], 7_000)) == list(requests(SHAPES["runs-meta"], 7_000))


def test_whole_runs_arrive_with_their_parents_last() -> None:
    spans = [span for body in requests(SHAPES["runs-meta"], 112_000) for span in spans_of(body)]
    at = {span.span_id: n for n, span in enumerate(spans)}
    children = [(n, at[span.parent_span_id]) for n, span in enumerate(spans) if span.parent_span_id in at]
    assert len(at) == len(spans)
    assert len(children) > len(spans) * 0.9
    assert all(child < parent for child, parent in children)
    assert sum(parent - child > 10_000 for child, parent in children) > len(children) / 2


def test_a_run_has_fifty_spans_and_half_of_them_are_model_calls() -> None:
    spans = [span for body in requests(SHAPES["runs-meta"], 112_000) for span in spans_of(body)]
    trace = next(span.trace_id for span in reversed(spans) if span.name.startswith("invoke_agent"))
    run = [span for span in spans if span.trace_id == trace]
    assert len(run) == 50
    assert sum(span.name.startswith("chat ") for span in run) == 25
    assert sum(not span.parent_span_id for span in run) == 1


def test_apart_means_a_trace_for_each_span() -> None:
    spans = [span for body in requests(SHAPES["apart-meta"], 5_000) for span in spans_of(body)]
    assert len({span.trace_id for span in spans}) == len(spans)
    assert not any(span.parent_span_id for span in spans)

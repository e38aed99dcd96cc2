"""The made-up sample is what its script makes, span by span."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sample_traces.runaway_loop import make
from tests.golden.samples import FOLDER


def test_the_script_still_makes_the_file_that_is_kept() -> None:
    kept = (FOLDER / "runaway_loop/runaway_loop.traces.binpb").read_bytes()
    assert ExportTraceServiceRequest.FromString(make.encoded()) == ExportTraceServiceRequest.FromString(kept)


def test_each_turn_costs_ten_cents_by_the_list_price() -> None:
    assert make.INPUT_TOKENS * 250 + make.OUTPUT_TOKENS * 1_000 == 10 * 10**6  # cents a million: 250 in, 1,000 out

"""The three OTLP signals: where each comes in, what it is called in the journal, how its answer is made.

Paths and services: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request and opentelemetry-proto `collector/`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ledger.journal import kinds

ERROR_MESSAGE_MAX = 512
"""Characters. A response must stay small, whatever was rejected (OTLP 1.11 limits it to 4 MiB)."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of OTLP. `records` is the word for what it carries."""

    name: Literal["traces", "logs", "metrics"]
    kind: str
    service: str
    path: str
    records: str
    rejected_field: str
    response: Callable[[], Any]

    def answer(self, rejected: int, message: str) -> Any:
        """Export*ServiceResponse; `partial_success` stays unset on full success, as the specification demands."""
        response = self.response()
        if rejected or message:
            setattr(response.partial_success, self.rejected_field, rejected)
            response.partial_success.error_message = message[:ERROR_MESSAGE_MAX]
        return response


def _service(name: str) -> str:
    return f"opentelemetry.proto.collector.{name}"


SIGNALS: tuple[Signal, ...] = (
    Signal(
        "traces",
        kinds.OTLP_TRACES,
        _service("trace.v1.TraceService"),
        "/v1/traces",
        "spans",
        "rejected_spans",
        ExportTraceServiceResponse,
    ),
    Signal(
        "logs",
        kinds.OTLP_LOGS,
        _service("logs.v1.LogsService"),
        "/v1/logs",
        "log records",
        "rejected_log_records",
        ExportLogsServiceResponse,
    ),
    Signal(
        "metrics",
        kinds.OTLP_METRICS,
        _service("metrics.v1.MetricsService"),
        "/v1/metrics",
        "metrics",
        "rejected_data_points",
        ExportMetricsServiceResponse,
    ),
)

"""Wire requests of metrics to data points, by opentelemetry-proto's objects; metric by metric what these refuse."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from ingest.decode.lenient import WHOLE_EVENT, Repair, Slice, Unread, read_each, scope_name_of
from ingest.decode.rows import Pairs
from ingest.decode.walk import pairs_of
from ingest.decode.wire_format import UnreadableError
from ingest.notes import UNREADABLE
from ingest.sheet import REPEATED_TEXT_MAX

INT64_MAX = 2**63 - 1
TEMPORALITIES = (None, "delta", "cumulative")
POINTS_MAX = 65_536
"""Data points of one request that are listed, as many as a request may have records. A point may be two bytes, and its
row repeats what metric, scope and resource say."""

TOO_MANY = f"the request has more than {POINTS_MAX} data points; those behind are in the journal only"

NO_VALUE_MASK = 1
"""DataPointFlags: the point says only that there is no value."""


@dataclass(frozen=True)
class Values:
    """What a data point measured; what its kind does not have is None."""

    value: float | None = None
    value_int: int | None = None
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    bounds: str | None = None
    counts: str | None = None


@dataclass(frozen=True)
class Head:
    """What all points of a metric share."""

    name: str
    unit: str
    kind: str
    temporality: str | None = None
    is_monotonic: bool | None = None


@dataclass(frozen=True)
class PointRow:
    """One data point as read. `resource` and `scope_name` are those of the groups it came in, one object a group."""

    event: int
    metric: int
    """Position of its metric in the request."""
    resource: Pairs
    scope_name: str
    head: Head
    start_ns: int
    time_ns: int
    values: Values
    attributes: Pairs


def point_rows(bodies: Sequence[bytes]) -> tuple[list[PointRow], list[Unread]]:
    """Every data point that can be read, in order, and the metrics that cannot."""
    rows, unread = list[PointRow](), list[Unread]()
    for event, body in enumerate(bodies):
        try:
            found = _rows(event, ExportMetricsServiceRequest.FromString(body))
        except DecodeError:
            metrics, rest = read_each(event, body, "metric", _lenient_rows)
            found = chain.from_iterable(metrics)
            unread += rest
        rows += islice(found, POINTS_MAX)
        if next(found, None) is not None:
            unread.append(Unread(event, WHOLE_EVENT, TOO_MANY, b""))
    return rows, unread


def _rows(event: int, request: Any) -> Iterator[PointRow]:
    index = 0
    for resource_metrics in request.resource_metrics:
        resource = pairs_of(resource_metrics.resource.attributes)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                yield from _points(event, index, resource, scope_metrics.scope.name, metric, [])
                index += 1


def _lenient_rows(event: int, index: int, found: Slice, resource: Pairs, fault: str) -> Iterator[PointRow]:
    try:
        metric = Metric.FromString(bytes(found.span))
    except DecodeError as error:
        raise UnreadableError(f"its protobuf does not parse: {error}") from None
    repair = Repair()
    scope_name, scope_fault = scope_name_of(found.scope, repair)
    faults = "; ".join(filter(None, (fault, scope_fault)))
    note = repair.noted([(UNREADABLE, faults)] if faults else [])
    return _points(event, index, resource, scope_name, metric, note)


def _points(event: int, index: int, resource: Pairs, scope_name: str, metric: Any, note: Pairs) -> Iterator[PointRow]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data, head = getattr(metric, kind), _head(metric, kind)
    for point in data.data_points:
        yield PointRow(
            event=event,
            metric=index,
            resource=resource,
            scope_name=scope_name,
            head=head,
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            values=Values() if point.flags & NO_VALUE_MASK else VALUES[kind](point),
            attributes=[*pairs_of(point.attributes), *note],
        )


def _head(metric: Any, kind: str) -> Head:
    data = getattr(metric, kind)
    name, unit = metric.name[:REPEATED_TEXT_MAX], metric.unit[:REPEATED_TEXT_MAX]
    number = getattr(data, "aggregation_temporality", 0)
    temporality = TEMPORALITIES[number] if 0 <= number < len(TEMPORALITIES) else None
    return Head(name, unit, kind, temporality, data.is_monotonic if kind == "sum" else None)


def _number(point: Any) -> Values:
    member = point.WhichOneof("value")
    if member == "as_int":
        return Values(value=float(point.as_int), value_int=point.as_int)
    return Values(value=point.as_double) if member == "as_double" else Values()


def _histogram(point: Any) -> Values:
    return Values(
        **_measured(point), bounds=_json(list(point.explicit_bounds)), counts=_json(list(point.bucket_counts))
    )


def _exponential(point: Any) -> Values:
    positive, negative = point.positive, point.negative
    bounds = {"scale": point.scale, "zero_threshold": point.zero_threshold}
    bounds |= {"positive_offset": positive.offset, "negative_offset": negative.offset}
    counts = {"zero": point.zero_count, "positive": list(positive.bucket_counts)}
    counts |= {"negative": list(negative.bucket_counts)}
    return Values(**_measured(point), bounds=_json(bounds), counts=_json(counts))


def _summary(point: Any) -> Values:
    quantiles = [one.quantile for one in point.quantile_values]
    values = [one.value for one in point.quantile_values]
    return Values(count=min(point.count, INT64_MAX), sum=point.sum, bounds=_json(quantiles), counts=_json(values))


def _measured(point: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(point, name) for name in ("sum", "min", "max") if point.HasField(name)}
    return found | {"count": min(point.count, INT64_MAX)}


VALUES = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}


def _json(value: Any) -> str:
    """Numbers that JSON cannot hold become text."""
    return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
    return value

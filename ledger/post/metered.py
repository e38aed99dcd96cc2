"""Data points of metrics as readings, where nothing else tells of the calls that they count, and when that ends.

Which points bill is decided in the order of the journal, point by point: they are few, one for each model and kind of
token a minute. A point of a sum that is told as a difference bills what it says; one of a sum that counts up from a
start bills what it grew by since the last point of its series, of the same start; one that lies behind that, nothing.
Histograms never bill: what they count is not known to be counted once.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.ids import ID_BYTES, field
from ledger.calls.meters import METERS, added, usage, worth
from ledger.post.intake import NAME_CHARACTERS_MAX
from ledger.post.whose import Whose, hashes, instances, of_point
from ledger.schema import ARROW, TEXT, TRACE_ID
from ledger.store.catalog import Catalog
from ledger.store.series import Counter
from ledger.store.traces import trace_hashes

READINGS_MAX = 65_536
"""Readings of one conversation, or instance of a service, that are taken back when views tell of its calls: the last.
At a kilobyte of memory each. A year of a service that names neither is not undone by its first span."""

Trace = tuple[str, bytes]
"""Tenant, and the id in place of a trace that readings of one call have."""

_SAID = ("operation", "provider", "request_model", "response_model", "service_tier", "user_id", "team")
_COMMON = ("tenant", "service_name", "environment", "conversation_id", "instance_id", *_SAID)
"""What the points have in common, beside the moment, that are of one call."""
_OF_SERIES = (*_COMMON, "scope_name", "name", "unit", "meter", "attributes", "resource", "start_ns")
"""What the points of one series have in common."""
_READ = (
    *dict.fromkeys(name for name in (*_COMMON, *_OF_SERIES) if name != "instance_id"),
    *("temporality", "time_ns", "value", "value_int", "content_hash", "received_ns", "source_seq", "point_index"),
)

_TOTALLED = ("tenant", "trace_id", "source_seq", "point_index", "start_ns", "metered")

Point = dict[str, Any]
"""A row of `metrics`, the columns _READ, and its instance_id."""


@dataclass
class _Total:
    """What the points of one moment come to (calls.meters.Metered), and from when on."""

    start_ns: int
    metered: dict[str, dict[str, Decimal]]

    def add(self, start_ns: int, point: Point, amount: Decimal) -> None:
        self.start_ns = min(self.start_ns, start_ns)
        of_metric = self.metered.setdefault(point["name"], {})
        of_metric[point["meter"]] = added(point["meter"], of_metric.get(point["meter"], Decimal(0)), amount)


class Metered:
    """What one batch reads from metrics, and what it takes back of it. `catalog` is as of the commit before."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._viewed = set[Whose]()
        self._traces: dict[Whose, dict[Trace, None]] = {}
        self._totals: dict[Trace, _Total] = {}
        self.counters: dict[bytes, Counter] = {}
        """Where the series stand that the batch went on with."""
        self.pairs: list[tuple[np.ndarray, np.ndarray]] = []
        """(hash, event) pairs for the index of known names."""

    def read(self, points: pa.Table) -> pa.Table:
        """schema.READINGS of those of `points` (schema.METRICS, none of which came before) that bill."""
        points = points.filter(_may_bill(points))
        if not points.num_rows:
            return ARROW["readings"].empty_table()
        said = list(_points(points))
        untold = self._untold(said)
        self._recall(untold)
        events = groupby(untold, key=lambda point: point["source_seq"])
        rows = [row for _, event in events for row in self._event(event)]
        return pa.Table.from_pylist(rows, schema=ARROW["readings"])

    def tell(self, told: Mapping[Whose, int]) -> dict[Trace, int]:
        """Note that views tell of the calls of `told`, each from an event on. Returns what is to be taken back for it,
        and at which event."""
        asked = [one for one in told if one not in self._viewed]
        new = [one for one, known in zip(asked, self._known(asked, "viewed"), strict=True) if not len(known)]
        self._viewed.update(asked)
        self._note(new, "viewed", [told[one] for one in new])
        events = self._known(new, "metered")
        return {
            trace: told[one]
            for one, seqs in zip(new, events, strict=True)
            for trace in self._readings(one, seqs)[-READINGS_MAX:]
        }

    def _untold(self, points: Sequence[Point]) -> list[Point]:
        whose = list(dict.fromkeys(map(_whose, points)))
        known = self._known(whose, "viewed")
        told = {one for one, seqs in zip(whose, known, strict=True) if len(seqs) or one in self._viewed}
        return [point for point in points if _whose(point) not in told]

    def _recall(self, points: Sequence[Point]) -> None:
        """Read back where the series of `points` stand, and what was read already of their moments."""
        series = {_digest(_OF_SERIES, point) for point in points if point["temporality"] == "cumulative"}
        self.counters = self._catalog.counters(sorted(series - self.counters.keys())) | self.counters
        traces = sorted({trace for trace in map(_trace, points) if trace not in self._totals})
        if not traces:
            return
        keys = trace_keys(traces)
        _, seqs = self._catalog.probe(trace_hashes(keys["tenant"], keys["trace_id"]))
        rows = self._catalog.read("readings", [trace for _, trace in traces], seqs.tolist(), _TOTALLED).to_pylist()
        for row in sorted(rows, key=_place):  # the last has all before it
            self._totals[row["tenant"], row["trace_id"]] = _Total(row["start_ns"], _decimals(row["metered"]))

    def _event(self, points: Iterable[Point]) -> Iterator[dict[str, Any]]:
        """Rows of `readings` that the points of one event add."""
        firsts = dict[Trace, Point]()
        for point in points:
            amount, begins_ns = self._amount(point)
            if amount > 0:
                trace = _trace(point)
                self._totals.setdefault(trace, _Total(begins_ns, {})).add(begins_ns, point, amount)
                firsts.setdefault(trace, point)
        for trace, first in firsts.items():
            whose = _whose(first)
            self._traces.setdefault(whose, {})[trace] = None
            self._note([whose], "metered", [first["source_seq"]])
            yield _row(trace, first, self._totals[trace])

    def _amount(self, point: Point) -> tuple[Decimal, int]:
        """What a point adds, and from when on; nothing where it lies behind its series, or says no number."""
        value, start_ns = worth(point["meter"], point["value_int"], point["value"]), point["start_ns"]
        if value is None or point["temporality"] == "delta":
            return value or Decimal(0), start_ns
        series, at = _digest(_OF_SERIES, point), point["time_ns"]
        last_at, last = self.counters.get(series, (-1, Decimal(0)))
        if at and at <= last_at:
            return Decimal(0), start_ns
        self.counters[series] = (at, value)
        return (value, start_ns) if last_at < 0 or value < last else (value - last, last_at)

    def _known(self, whose: Sequence[Whose], what: str) -> list[np.ndarray]:
        """The events, as committed, by which the index knows each of `whose` as `what`."""
        at, seqs = self._catalog.probe(hashes(whose, what))
        return [seqs[at == number] for number in range(len(whose))] if len(at) else [seqs] * len(whose)

    def _readings(self, whose: Whose, seqs: np.ndarray) -> list[Trace]:
        """Readings of `whose`, those that the events `seqs` brought and those of this batch, the earliest first."""
        columns = ["tenant", "trace_id", "service_name", "conversation_id", "instance_id", "source_seq", "point_index"]
        rows = self._catalog.read_events("readings", seqs, columns).to_pylist() if len(seqs) else []
        committed = ((row["tenant"], row["trace_id"]) for row in sorted(rows, key=_place) if _whose(row) == whose)
        return list(dict.fromkeys((*committed, *self._traces.get(whose, ()))))

    def _note(self, whose: Sequence[Whose], what: str, seqs: Sequence[int]) -> None:
        if whose:
            self.pairs.append((hashes(whose, what), np.array(seqs, dtype=np.int64)))


def trace_keys(traces: Iterable[Trace]) -> pa.Table:
    """`traces` as columns tenant and trace_id."""
    tenants, ids = zip(*traces, strict=True)
    return pa.table({"tenant": pa.array(tenants, TEXT), "trace_id": pa.array(ids, TRACE_ID)})


def _may_bill(points: pa.Table) -> pa.ChunkedArray:
    grows = pc.or_(pc.equal(points["temporality"], "delta"), pc.equal(points["is_monotonic"], True))
    summed = pc.and_(pc.equal(points["kind"], "sum"), pc.is_valid(points["temporality"]))
    metered = pc.and_(pc.is_in(points["meter"], value_set=pa.array(METERS)), pc.is_valid(points["value"]))
    return pc.fill_null(pc.and_(pc.and_(summed, metered), grows), False)


def _points(points: pa.Table) -> Iterator[Point]:
    named = instances(points["resource"]).to_pylist()
    for point, instance in zip(points.select(_READ).to_pylist(), named, strict=True):
        texts = {name: value[:NAME_CHARACTERS_MAX] for name, value in point.items() if isinstance(value, str)}
        yield point | texts | {"instance_id": None if point["conversation_id"] else instance}


def _whose(point: Mapping[str, Any]) -> Whose:
    return of_point(*(point[name] for name in ("tenant", "service_name", "conversation_id", "instance_id")))


def _trace(point: Point) -> Trace:
    """The moment is that of the point, or where none was sent the event."""
    moment = f"{point['time_ns']} ns" if point["time_ns"] else f"event {point['source_seq']}"
    return point["tenant"], _digest(_COMMON, point, moment)


def _digest(names: Sequence[str], point: Point, *more: str) -> bytes:
    """First 16 bytes of SHA-256 of field(text) of each column, NULL as no text, and of `more`."""
    texts = [*(_text(point[name]) for name in names), *more]
    return sha256(b"".join(field(text.encode()) for text in texts)).digest()[:ID_BYTES]


def _text(value: object) -> str:
    return "" if value is None else str(sorted(value) if isinstance(value, list) else value)


def _decimals(text: str) -> dict[str, dict[str, Decimal]]:
    return {name: {meter: Decimal(said) for meter, said in one.items()} for name, one in json.loads(text).items()}


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["source_seq"], row["point_index"]


def _row(trace: Trace, first: Point, total: _Total) -> dict[str, Any]:
    """A row of `readings`: `total` as of the event that brought the point `first`, the first of those it added."""
    return {
        **{name: first[name] for name in (*_COMMON, "scope_name", "content_hash", "source_seq", "point_index")},
        **usage(total.metered),
        "trace_id": trace[1],
        "metered": json.dumps(total.metered, default=str, sort_keys=True, separators=(",", ":")),
        "start_ns": total.start_ns,
        "end_ns": first["time_ns"],
        "received_ns": first["received_ns"],
    }

"""Journal events of telemetry to rows of `spans`, `logs` or `metrics`: decode, choose the dialect, fill the columns.

Guarantees: a record's row depends on its own bytes and on nothing else in the batch; one bad record never costs its
neighbours; any bytes at all end as rows or in quarantine, with the reason. SPANLEDGER_DECODER=walk selects the oracle.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError

from ingest.decode.bodies import Unread, bodies_of, chunks, decoder, unread_row
from ingest.decode.fast import read_fast
from ingest.decode.lenient import read_lenient, spans_bytes
from ingest.decode.logs import read_logs
from ingest.decode.metrics import read_metrics
from ingest.decode.rows import sheet_of
from ingest.decode.same import same_span
from ingest.decode.table import Source, bad_ids, spans_table
from ingest.decode.walk import read_walk
from ingest.json_otlp import Misfit
from ingest.sheet import Sheet
from ingest.skeleton import SKELETONS
from ingest.wire import DATA_POINTS, ENVELOPE, count
from ledger.journal import kinds
from ledger.schema import ARROW

__all__ = ["Decoded", "decode", "same_span", "spans_in"]

READERS = {"ptars": read_fast, "walk": read_walk}


@dataclass(frozen=True)
class Decoded:
    """Rows of some events of one kind, which fill one of the tables; each ordered by source_seq and position there."""

    spans: pa.Table = field(default_factory=ARROW["spans"].empty_table)
    logs: pa.Table = field(default_factory=ARROW["logs"].empty_table)
    metrics: pa.Table = field(default_factory=ARROW["metrics"].empty_table)
    quarantine: pa.Table = field(default_factory=ARROW["quarantine"].empty_table)


def decode(events: Sequence[Source]) -> Decoded:
    """Rows of `events`, all of one kind of telemetry."""
    if not events:
        return Decoded()
    table, place, read = BY_KIND[events[0].kind]
    rows, unread = list[pa.Table](), list[dict[str, object]]()
    for chunk in chunks(events):
        tables, rest = read(chunk)
        rows += tables
        unread += [unread_row(chunk, item) for item in rest]
    found = _ordered(pa.concat_tables(rows or [ARROW[table].empty_table()]), place)
    quarantine = _ordered(pa.Table.from_pylist(unread, schema=ARROW["quarantine"]), "span_index")
    return Decoded(**{table: found}, quarantine=quarantine)


def spans_in(event: Source) -> int:
    """Spans, log records or data points that `event` holds, or a few more, without decoding it: about a fifth of a
    microsecond each, half a one where they are data points."""
    if "json" in event.content_type:
        return event.body.count(b"{")  # each of them is an object
    if event.kind == kinds.OTLP_METRICS:
        return count(event.body, DATA_POINTS, len(event.body))
    try:
        request = SKELETONS["Raw"].request.FromString(event.body)
    except DecodeError:
        return count(event.body, ENVELOPE, len(event.body))
    scopes = [scope for resource in request.resources for scope in resource.scopes]
    return len(request.resources) + len(scopes) + sum(len(scope.records) for scope in scopes)


def _read_spans(events: Sequence[Source]) -> tuple[list[pa.Table], list[Unread]]:
    bodies, unread, misfits = bodies_of("traces", events)
    sheet, refused = READERS[decoder()](bodies)
    sheets = [sheet] if sheet is not None else []
    repaired = [read_lenient(event, bodies[event]) for event in refused]
    if rows := [row for rows, _ in repaired for row in rows]:
        sheets.append(sheet_of(rows))
    unread += [item for _, rest in repaired for item in rest]
    for sheet in sheets:
        unread += _without_ids(bodies, misfits, sheet)
    return [spans_table(sheet, events) for sheet in sheets], unread


def _without_ids(bodies: Sequence[bytes], misfits: Mapping[tuple[int, int], Misfit], sheet: Sheet) -> Iterator[Unread]:
    """The spans of `sheet` that have bad ids. A request is cut into its spans once, however many they are."""
    rows = np.flatnonzero(bad_ids(sheet))
    for event in np.unique(sheet.event[rows]).tolist():
        of_event = rows[sheet.event[rows] == event]
        data = spans_bytes(bodies[event], sheet.index[of_event].tolist())
        for row in of_event.tolist():
            index = int(sheet.index[row])
            if misfit := misfits.get((event, index)):
                yield Unread(event, index, misfit.reason, misfit.text)
            else:
                yield Unread(event, index, _bad_ids_said(sheet, row), data[index])


def _bad_ids_said(sheet: Sheet, row: int) -> str:
    ids = (sheet.trace_id[row], sheet.span_id[row], sheet.parent_span_id[row])
    trace, span, parent = (value.as_py().hex() for value in ids)
    return (
        f"ids are not 16 and 8 bytes with one bit set: trace_id {trace[:40]!r}, span_id {span[:40]!r}, "
        f"parent_span_id {parent[:40]!r}"
    )


def _ordered(table: pa.Table, place: str) -> pa.Table:
    """By source_seq and `place`; the readers already keep that order, so sorting is rare."""
    columns = [table[name].to_numpy() for name in ("source_seq", place)]
    step_seq, step_index = (np.diff(column) for column in columns)
    if ((step_seq > 0) | ((step_seq == 0) & (step_index >= 0))).all():
        return table
    return table.take(pa.array(np.lexsort(columns[::-1])))


Read = Callable[[Sequence[Source]], tuple[list[pa.Table], list[Unread]]]

BY_KIND: Mapping[str, tuple[str, str, Read]] = {
    kinds.OTLP_TRACES: ("spans", "span_index", _read_spans),
    kinds.OTLP_LOGS: ("logs", "log_index", read_logs),
    kinds.OTLP_METRICS: ("metrics", "point_index", read_metrics),
}
"""Kind of event -> the table that it fills, its column of the position in the event, and who reads it."""

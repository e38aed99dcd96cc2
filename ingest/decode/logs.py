"""Events of kind otlp.logs to rows of `logs`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.decode import identity
from ingest.decode.bodies import Misfits, Unread, bodies_of, decoder
from ingest.decode.content import input_digests
from ingest.decode.fast_logs import fast_logs
from ingest.decode.log_rows import LogSheet
from ingest.decode.maps import kept, key_values, spread_resources
from ingest.decode.read_logs import lenient_logs, walked_logs
from ingest.decode.table import SPAN_ID_BYTES, TRACE_ID_BYTES, Source, clipped_ns, enum_of, ids_of, typed
from ingest.dialects.logs.apply import read_log_dialects
from ingest.sheet import Ints, Mask, Sheet
from ledger.schema import ARROW

SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""The standard's short names, four numbers each: TRACE is 1, TRACE2 is 2, DEBUG is 5.
https://opentelemetry.io/docs/specs/otel/logs/data-model/#displaying-severity"""
NAMES = ("", *(f"{name}{n or ''}" for name in SEVERITIES for n in (0, 2, 3, 4)))
STATUSES = ("unset", "error")


READERS = {"ptars": fast_logs, "walk": walked_logs}


def read_logs(events: Sequence[Source]) -> tuple[list[pa.Table], list[Unread]]:
    """Rows of `logs`, and what cannot be read."""
    bodies, unread, misfits = bodies_of("logs", events)
    sheet, refused = READERS[decoder()](bodies)
    repaired, rest = lenient_logs(bodies, refused)
    unread += [*rest, *(Unread(event, one.index, one.reason, one.text) for (event, _), one in misfits.items())]
    return [_without(misfits, one.sheet, logs_table(one, events)) for one in (sheet, repaired) if one], unread


def _without(misfits: Misfits, sheet: Sheet, table: pa.Table) -> pa.Table:
    """Rows of `table` but those whose JSON does not fit, which are empty ones."""
    if not misfits:
        return table
    places = zip(sheet.event.tolist(), sheet.index.tolist(), strict=True)
    return table.filter(pa.array([place not in misfits for place in places]))


def logs_table(logs: LogSheet, events: Sequence[Source]) -> pa.Table:
    """Rows of `logs`, one a log record, in order."""
    sheet = logs.sheet
    reading = read_log_dialects(sheet, logs.body)
    seq = np.array([event.event_seq for event in events], dtype=np.int64)
    received = np.array([event.received_ns for event in events], dtype=np.int64)
    tenants = pa.array([event.tenant for event in events], pa.string()).take(pa.array(sheet.event))
    observed = clipped_ns(sheet.end_ns)
    columns: dict[str, Any] = {
        **reading.columns,
        "tenant": tenants,
        "trace_id": ids_of(sheet.trace_id, TRACE_ID_BYTES),
        "span_id": ids_of(sheet.span_id, SPAN_ID_BYTES),
        "time_ns": pc.if_else(pa.array(sheet.start_ns == 0), observed, clipped_ns(sheet.start_ns)),
        "observed_ns": observed,
        "severity": _severity(sheet.status_message, sheet.kind),
        "severity_number": pa.array(sheet.kind, mask=sheet.kind == 0),
        "event_name": sheet.name,
        "status": enum_of(STATUSES, reading.failed.astype(np.int64)),
        "attributes": key_values(kept(sheet.attributes, ~reading.held)),
        "resource": key_values(spread_resources(sheet, events)).take(pa.array(sheet.resource)),
        "scope_name": sheet.scope_name,
        "content_hash": _identities(logs, tenants),
        "received_ns": pa.array(received[sheet.event]),
        "source_seq": pa.array(seq[sheet.event]),
        "log_index": pa.array(sheet.index.astype(np.int32)),
        "input_digest": input_digests(reading.columns["operation"], reading.columns["input"]),
    }
    schema = ARROW["logs"]
    return pa.Table.from_arrays([typed(columns[field.name], field.type) for field in schema], schema=schema)


def _severity(text: pa.StringArray, number: Ints) -> pa.StringArray:
    said = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    named: Mask = (number > 0) & (number < len(NAMES))
    standard = pa.array(NAMES, pa.string()).take(pa.array(np.where(named, number, 0), mask=~named))
    return pc.coalesce(said, standard)


def _identities(logs: LogSheet, tenants: pa.StringArray) -> pa.FixedSizeBinaryArray:
    sheet = logs.sheet
    return identity.hashes(
        "log",
        [
            tenants.to_pylist(),
            identity.digests(identity.content(sheet.resources), sheet.resource),
            sheet.scope_name.to_pylist(),
            sheet.trace_id.to_pylist(),
            sheet.span_id.to_pylist(),
            identity.numbers(sheet.start_ns),
            identity.numbers(sheet.end_ns),
            identity.numbers(sheet.kind),
            sheet.status_message.to_pylist(),
            logs.event_name.to_pylist(),
            identity.content(logs.body),
            identity.content(sheet.attributes),
        ],
    )

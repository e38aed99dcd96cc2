"""Wire requests of logs to a LogSheet by ptars, as fast.py does it for spans: no Python object a record."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.decode.fast import accepted, any_values, attributes_in, flat, renumbered
from ingest.decode.log_rows import LogSheet, named
from ingest.sheet import Sheet, attributes, clipped


def fast_logs(bodies: Sequence[bytes]) -> tuple[LogSheet | None, list[int]]:
    """A LogSheet of the requests that read, and the positions of those that did not."""
    logs, good, refused = accepted(bodies, "LogsRequest", _sheet)
    return (None if logs is None else replace(logs, sheet=renumbered(logs.sheet, good))), refused


def _sheet(requests: pa.ListArray) -> tuple[LogSheet, set[int]]:
    """The requests as one LogSheet, and the positions of those that need another reader."""
    resource_logs, request_of_resource = flat(requests)
    scope_logs, resource_of_scope = flat(resource_logs.field("scope_logs"))
    records, scope_of_record = flat(scope_logs.field("log_records"))
    resource = resource_of_scope[scope_of_record]
    event, rows = request_of_resource[resource], np.arange(len(records))
    resources, bad_resources = attributes_in(resource_logs.field("resource").field("attributes"))
    own, bad_records = attributes_in(records.field("attributes"))
    values, nested, bad_bodies = any_values(records.field("body"))
    scope_name = clipped(pc.fill_null(scope_logs.field("scope").field("name"), ""))
    number = {name: records.field(name).to_numpy(zero_copy_only=False) for name in ("time_ns", "observed_ns")}
    sheet = Sheet(
        event=event,
        index=rows - np.searchsorted(event, np.arange(len(requests)))[event],
        resource=resource,
        scope_name=scope_name.take(pa.array(scope_of_record)),
        trace_id=records.field("trace_id"),
        span_id=records.field("span_id"),
        parent_span_id=pa.array([b""] * len(records), pa.binary()),
        name=named(records.field("event_name"), own),
        kind=records.field("severity_number").to_numpy(zero_copy_only=False),
        start_ns=number["time_ns"],
        end_ns=number["observed_ns"],
        status_message=records.field("severity"),
        status_code=np.zeros(len(records), dtype=np.int32),
        attributes=own,
        resources=resources,
    )
    body = attributes(len(records), rows, pa.array([""] * len(records), pa.string()), values, nested)
    doubtful = {*request_of_resource[bad_resources].tolist(), *event[bad_records].tolist(), *event[bad_bodies].tolist()}
    return LogSheet(sheet, records.field("event_name"), body), doubtful

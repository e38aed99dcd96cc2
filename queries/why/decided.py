"""Everything that was decided about one call: its views, its money, and where it belongs."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ledger.calls.depth import DEPTH_MAX
from queries.narrow import of_traces
from queries.runs import Row, rows_of
from queries.why.find import Found
from queries.why.placement import Placed, placed

VIEWS, LINES, ABOVE, PLACEMENT = (
    Path(__file__).with_name(f"{name}.sql").read_text() for name in ("views", "lines", "above", "placement")
)
ALIKE_MAX = 8
"""Views of one call among whose ancestors is looked for what the asked one was placed by."""
TRACES = """
SELECT DISTINCT tenant, trace_id FROM base.placements
WHERE tenant = $tenant AND call_trace_id = from_hex($trace_id)
"""
"""Traces with views of calls of another trace: a twin may have been sent in a trace of its own."""


@dataclass(frozen=True)
class Decided:
    """What was decided about the span that was asked for."""

    call: Row | None
    """Its row of `calls`; None where the span is no view of one."""
    views: list[Row]
    """All views of the call, earliest first; the span alone where it is no view."""
    lines: list[Row]
    placed: list[Placed]


def decided(connection: duckdb.DuckDBPyConnection, span: Found) -> Decided:
    """What was decided about `span` and the call it is a view of."""
    own = (span.tenant, bytes.fromhex(span.trace_id))
    with of_traces(connection, [own]) as narrow:
        call_trace = _call_trace(narrow, span)
    there = connection.execute(TRACES, {"tenant": span.tenant, "trace_id": call_trace.hex()}).fetchall()
    keys = sorted({own, (span.tenant, call_trace), *((tenant, bytes(trace)) for tenant, trace in there)})
    with of_traces(connection, keys) as narrow:
        return _decided(narrow, span)


def _call_trace(narrow: duckdb.DuckDBPyConnection, span: Found) -> bytes:
    """Trace of the earliest view of the span's call; its own where it is no view."""
    query = """
    SELECT COALESCE(p.call_trace_id, p.trace_id)
    FROM base.placements_as_of(9223372036854775807) p
    JOIN base.spans s ON s.source_seq = p.source_seq AND s.span_index = p.span_index
    WHERE s.tenant = $tenant AND s.trace_id = from_hex($trace_id) AND s.span_id = from_hex($span_id)
    """
    rows = narrow.execute(query, _key(span)).fetchall()
    return bytes(rows[0][0]) if rows else bytes.fromhex(span.trace_id)


def _key(span: Found | Row) -> dict[str, object]:
    given = span if isinstance(span, dict) else vars(span)
    return {name: given[name] for name in ("tenant", "trace_id", "span_id")}


def _decided(narrow: duckdb.DuckDBPyConnection, span: Found) -> Decided:
    call_id = "SELECT call_id FROM call_views WHERE tenant = $tenant AND trace_id = $trace_id AND span_id = $span_id"
    ids = narrow.execute(call_id, _key(span)).fetchall()
    call = {"tenant": span.tenant, "call_id": ids[0][0] if ids else None}
    views = rows_of(narrow.execute(VIEWS, {**_key(span), **call}))
    found = rows_of(narrow.execute("FROM calls WHERE tenant = $tenant AND call_id = $call_id", call))
    lines = rows_of(narrow.execute(LINES, {"tenant": span.tenant, "views": [view["view_id"] for view in views]}))
    return Decided(found[0] if found else None, views, lines, _placed(narrow, span, views))


def _placed(narrow: duckdb.DuckDBPyConnection, span: Found, views: list[Row]) -> list[Placed]:
    rows = rows_of(narrow.execute(PLACEMENT, _key(span)))
    if not rows:
        return []
    asked = [view for view in views if (view["trace_id"], view["span_id"]) == (span.trace_id, span.span_id)]
    others = [view for view in views if view not in asked]
    chains = [_above(narrow, view) for view in [*asked, *others][:ALIKE_MAX]]
    return placed(rows[0], chains)


def _above(narrow: duckdb.DuckDBPyConnection, view: Row) -> list[Row]:
    rows = rows_of(narrow.execute(ABOVE, {**_key(view), "levels_max": DEPTH_MAX}))
    return sorted(rows, key=lambda row: int(str(row["level"])))

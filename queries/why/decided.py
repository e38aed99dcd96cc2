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
CALL = """
SELECT COALESCE(p.call_trace_id, g.naming_trace_id), COALESCE(p.call_span_id, g.naming_span_id)
FROM base.placements_as_of(9223372036854775807) p
JOIN base.sightings g ON g.source_seq = p.source_seq AND g.span_index = p.span_index
WHERE p.source_seq = $source_seq AND p.span_index = $span_index
"""
"""What the call is named after: a span, or a log record by its content hash and zeros."""
TRACES = """
SELECT DISTINCT trace_id FROM base.placements WHERE tenant = $tenant AND call_trace_id = from_hex($named)
UNION
SELECT COALESCE(trace_id, content_hash) FROM base.logs WHERE tenant = $tenant AND content_hash = from_hex($named)
"""
"""Traces with views of calls that are named after a view elsewhere: a twin may have been sent in a trace of its own."""


@dataclass(frozen=True)
class Decided:
    """What was decided about the span or log record that was asked for."""

    call: Row | None
    """Its row of `calls`; None where it is no view of one."""
    views: list[Row]
    """All views of the call, earliest first; the asked one alone where it is no view."""
    lines: list[Row]
    placed: list[Placed]


def decided(connection: duckdb.DuckDBPyConnection, view: Found) -> Decided:
    """What was decided about `view` and the call it is a view of."""
    own = (view.tenant, bytes.fromhex(view.trace_id))
    with of_traces(connection, [own]) as narrow:
        named = narrow.execute(CALL, _key(view)).fetchall()
    keys = {own}
    if named:
        trace, span = map(bytes, named[0])
        keys |= {(view.tenant, trace)} if any(span) else set()
        there = connection.execute(TRACES, {"tenant": view.tenant, "named": trace.hex()}).fetchall()
        keys |= {(view.tenant, bytes(other)) for (other,) in there}
    with of_traces(connection, sorted(keys)) as narrow:
        return _decided(narrow, view)


def _key(view: Found | Row) -> dict[str, object]:
    given = view if isinstance(view, dict) else vars(view)
    return {name: given[name] for name in ("source_seq", "span_index")}


def _decided(narrow: duckdb.DuckDBPyConnection, view: Found) -> Decided:
    call_id = "SELECT call_id FROM call_views WHERE source_seq = $source_seq AND span_index = $span_index"
    ids = narrow.execute(call_id, _key(view)).fetchall()
    call = {"tenant": view.tenant, "call_id": ids[0][0] if ids else None}
    views = rows_of(narrow.execute(VIEWS, {**_key(view), **call}))
    found = rows_of(narrow.execute("FROM calls WHERE tenant = $tenant AND call_id = $call_id", call))
    lines = rows_of(narrow.execute(LINES, {"tenant": view.tenant, "views": [each["view_id"] for each in views]}))
    return Decided(found[0] if found else None, views, lines, _placed(narrow, view, views))


def _placed(narrow: duckdb.DuckDBPyConnection, view: Found, views: list[Row]) -> list[Placed]:
    rows = rows_of(narrow.execute(PLACEMENT, _key(view)))
    if not rows:
        return []
    asked = [each for each in views if _key(each) == _key(view)]
    others = [each for each in views if each not in asked]
    chains = [_above(narrow, each) for each in [*asked, *others][:ALIKE_MAX]]
    return placed(rows[0], chains)


def _above(narrow: duckdb.DuckDBPyConnection, view: Row) -> list[Row]:
    rows = rows_of(narrow.execute(ABOVE, {**_key(view), "levels_max": DEPTH_MAX}))
    return sorted(rows, key=lambda row: int(str(row["level"])))

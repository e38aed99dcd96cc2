"""From an id of any kind, or the beginning of one, to the span or log record that it is about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ledger.calls.roles import KIND_OF, ROLE_OF
from ledger.errors import NotFound, Refused
from queries.runs import PREFIX_CHARS_MIN

CANDIDATES_MAX = 10
"""Most that are listed of what a prefix may mean."""
SPAN_DIGITS, ID_DIGITS = 16, 32

BILLABLE = ", ".join(f"'{operation}'" for operation, role in ROLE_OF.items() if role in KIND_OF)
"""Operations of spans that can be views of calls."""

SPANS = """
SELECT 'span' AS kind, lower(hex(span_id)) AS id, tenant, 'span' AS signal, lower(hex(trace_id)) AS trace_id,
       id AS span_id, source_seq, span_index
FROM base.spans WHERE span_id BETWEEN from_hex($span_low) AND from_hex($span_high) AND {trace}
"""
IN_TRACE = "trace_id BETWEEN from_hex($trace_low) AND from_hex($trace_high)"
VIEW = """
g.tenant, g.signal, lower(hex(coalesce(g.trace_id, g.naming_trace_id))), lower(hex(g.span_id)),
g.source_seq, g.span_index
"""
VIEWS = f"""
SELECT 'view', g.view_id, {VIEW}
FROM (
    SELECT *, base.view_id(signal, tenant, naming_trace_id, naming_span_id) AS view_id
    FROM base.sightings WHERE operation IN ({BILLABLE})
) g
WHERE starts_with(g.view_id, $id)
"""
CHARGES = f"""
SELECT 'charge', c.charge_id, {VIEW}
FROM (
    SELECT
        base.charge_id(base.view_id(signal, tenant, call_trace_id, call_span_id), unit, event_seq, line) AS charge_id,
        tenant,
        CASE signal WHEN 'span' THEN trace_id ELSE call_trace_id END AS named_trace_id,
        CASE signal WHEN 'span' THEN span_id ELSE call_span_id END AS named_span_id
    FROM base.lines_as_of(9223372036854775807)
) c
JOIN base.sightings g
  ON g.tenant = c.tenant AND g.naming_trace_id = c.named_trace_id AND g.naming_span_id = c.named_span_id
WHERE starts_with(c.charge_id, $id)
"""
"""The view that a line was booked by; of a line that a log record booked, the view that names the call."""
OTHERS = """
SELECT 'run' FROM base.run_parts WHERE starts_with(lower(hex(run_id)), $id)
UNION ALL SELECT 'trace' FROM base.spans WHERE starts_with(lower(hex(trace_id)), $id) LIMIT 1
"""


RECORDS: Mapping[str, str] = {"span": "span", "log": "log record", "metric": "data point", "settlement": "settlement"}
"""What stands at a place of an event, by signal."""


@dataclass(frozen=True)
class Found:
    """What an id names, and the span, log record or data point that it is about. Ids are hex."""

    kind: str
    """span, view (a call has the id of its earliest one) or charge."""
    id: str
    tenant: str
    signal: str
    trace_id: str
    """Of a log record without a trace, its content hash."""
    span_id: str | None
    """Of a log record the span that it was written for, if it names one."""
    source_seq: int
    span_index: int

    def __str__(self) -> str:
        span, rest = f"span {self.trace_id}:{self.span_id}", f"{self.span_index} of event {self.source_seq}"
        where = span if self.signal == "span" else f"{RECORDS[self.signal]} {rest}"
        return where if self.kind == "span" else f"{self.kind} {self.id} ({where})"


def find(connection: duckdb.DuckDBPyConnection, text: str) -> Found:
    """What `text` names. Raises Refused where it is no id or may mean several, NotFound where it means nothing."""
    trace, separator, rest = text.strip().lower().rpartition(":")
    _check(text, rest, SPAN_DIGITS if separator else ID_DIGITS)
    if separator:
        _check(text, trace, ID_DIGITS)
    found = _of_trace(connection, trace, rest) if separator else _of_any(connection, rest)
    if not found:
        raise NotFound(_nothing(connection, text, rest if not separator else ""))
    if len({(each.source_seq, each.span_index) for each in found}) > 1:
        more = " and more" if len(found) > CANDIDATES_MAX else ""
        listed = ", ".join(map(str, found[:CANDIDATES_MAX]))
        raise Refused(f"id {text} is not unique: {listed}{more}; give more of it, or TRACE:SPAN")
    return found[0]


def _check(text: str, digits: str, digits_max: int) -> None:
    if not re.fullmatch(f"[0-9a-f]{{{PREFIX_CHARS_MIN},{digits_max}}}", digits):
        raise Refused(
            f"id {text!r}: give {PREFIX_CHARS_MIN} to {ID_DIGITS} hex digits of the id of a span, view, call or "
            "charge, or TRACE:SPAN"
        )


def _of_trace(connection: duckdb.DuckDBPyConnection, trace: str, span: str) -> list[Found]:
    bounds = _bounds("trace", trace, ID_DIGITS) | _bounds("span", span, SPAN_DIGITS)
    return _ask(connection, SPANS.format(trace=IN_TRACE), bounds)


def _of_any(connection: duckdb.DuckDBPyConnection, digits: str) -> list[Found]:
    """A whole id ends the search: hashing the ids of every charge takes longest."""
    found = list[Found]()
    if len(digits) <= SPAN_DIGITS:
        found += _ask(connection, SPANS.format(trace="TRUE"), _bounds("span", digits, SPAN_DIGITS))
    for length, query in ((SPAN_DIGITS, VIEWS), (ID_DIGITS, CHARGES)):
        if len(digits) == length and found:
            break
        found += _ask(connection, query, {"id": digits})
    return found


def _bounds(name: str, digits: str, length: int) -> dict[str, str]:
    return {f"{name}_low": digits.ljust(length, "0"), f"{name}_high": digits.ljust(length, "f")}


def _ask(connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, str]) -> list[Found]:
    bounded = f"SELECT DISTINCT * FROM ({query}) ORDER BY ALL LIMIT {CANDIDATES_MAX + 1}"
    rows: Sequence[tuple[Any, ...]] = connection.execute(bounded, parameters).fetchall()
    return [Found(*row) for row in rows]


def _nothing(connection: duckdb.DuckDBPyConnection, text: str, digits: str) -> str:
    others = connection.execute(OTHERS, {"id": digits}).fetchall() if digits else []
    if not others:
        return f"no span, view, call or charge {text}; `spanledger sql 'FROM calls'` lists the calls there are"
    kind = others[0][0]
    more = f"`spanledger replay {text}` shows its spans" if kind == "run" else "ask for a span of it as TRACE:SPAN"
    return f"{text} is a {kind}, not a span, view, call or charge: {more}"

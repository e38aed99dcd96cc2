"""From an id of any kind, or the beginning of one, to the span that it is about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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
SELECT 'span' AS kind, lower(hex(span_id)) AS id, tenant, lower(hex(trace_id)) AS trace_id, id AS span_id
FROM base.spans WHERE span_id BETWEEN from_hex($span_low) AND from_hex($span_high) AND {trace}
"""
IN_TRACE = "trace_id BETWEEN from_hex($trace_low) AND from_hex($trace_high)"
VIEWS = f"""
SELECT 'view', view_id, tenant, lower(hex(trace_id)), lower(hex(span_id))
FROM (SELECT *, base.view_id(tenant, trace_id, span_id) AS view_id FROM base.spans WHERE operation IN ({BILLABLE}))
WHERE starts_with(view_id, $id)
"""
CHARGES = "SELECT 'charge', charge_id, tenant, trace_id, span_id FROM charges WHERE starts_with(charge_id, $id)"
OTHERS = """
SELECT 'run' FROM base.run_parts WHERE starts_with(lower(hex(run_id)), $id)
UNION ALL SELECT 'trace' FROM base.spans WHERE starts_with(lower(hex(trace_id)), $id) LIMIT 1
"""


@dataclass(frozen=True)
class Found:
    """What an id names, and the span that it is about. Ids are hex."""

    kind: str
    """span, view (a call has the id of its earliest one) or charge."""
    id: str
    tenant: str
    trace_id: str
    span_id: str

    def __str__(self) -> str:
        where = f"{self.trace_id}:{self.span_id}"
        return f"span {where}" if self.kind == "span" else f"{self.kind} {self.id} (span {where})"


def find(connection: duckdb.DuckDBPyConnection, text: str) -> Found:
    """What `text` names. Raises Refused where it is no id or may mean several, NotFound where it means nothing."""
    trace, separator, rest = text.strip().lower().rpartition(":")
    _check(text, rest, SPAN_DIGITS if separator else ID_DIGITS)
    if separator:
        _check(text, trace, ID_DIGITS)
    found = _of_trace(connection, trace, rest) if separator else _of_any(connection, rest)
    if not found:
        raise NotFound(_nothing(connection, text, rest if not separator else ""))
    if len({(each.tenant, each.trace_id, each.span_id) for each in found}) > 1:
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
    rows: Sequence[tuple[str, ...]] = connection.execute(bounded, parameters).fetchall()
    return [Found(*row) for row in rows]


def _nothing(connection: duckdb.DuckDBPyConnection, text: str, digits: str) -> str:
    others = connection.execute(OTHERS, {"id": digits}).fetchall() if digits else []
    if not others:
        return f"no span, view, call or charge {text}; `spanledger sql 'FROM calls'` lists the calls there are"
    kind = others[0][0]
    more = f"`spanledger replay {text}` shows its spans" if kind == "run" else "ask for a span of it as TRACE:SPAN"
    return f"{text} is a {kind}, not a span, view, call or charge: {more}"

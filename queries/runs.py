"""Lists of runs, newest first: filters, pages by key, and finding one by a prefix of its id."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import duckdb

from ledger.errors import NotFound, Refused
from queries.narrow import since

Row = dict[str, object]

PREFIX_CHARS_MIN = 6
"""Fewer characters of an id would name several runs too often."""
ID_CHARS = 32
LIMIT_MAX = 1_000
"""Most runs a page of the list gives."""

MINUTE_NS = 60 * 10**9
NEWEST = """
SELECT max(start_ns) FROM base.spans WHERE start_ns <= (SELECT coalesce(max(received_ns), 0) FROM base.events)
"""
"""Last start of a span, leaving out clocks that run ahead of ours."""
WINDOWS_NS = tuple(MINUTE_NS * 30**power for power in range(4))
"""A minute, half an hour, 15 hours, 19 days; after that, everything."""

COLUMNS = (
    "run_id, started_at, duration_ms, agent_name, service_name, environment, state, spans, model_calls, tool_calls, "
    "errors, input_tokens, output_tokens, cost_usd, unpriced_calls, conversation_id, user_id, ended_at"
)


@dataclass(frozen=True)
class RunFilter:
    """Which runs. None asks for nothing; text must match exactly."""

    agent: str | None = None
    service: str | None = None
    environment: str | None = None
    model: str | None = None
    tool: str | None = None
    user: str | None = None
    conversation: str | None = None
    state: str | None = None
    errors: bool = False
    min_cost_usd: Decimal | None = None
    since_ns: int | None = None


CONDITIONS: Mapping[str, str] = {
    "agent": "(r.agent_name = $agent OR EXISTS (FROM calls c WHERE c.run_id = r.run_id AND c.agent_name = $agent))",
    "service": "r.service_name = $service",
    "environment": "r.environment = $environment",
    "model": "EXISTS (FROM calls c WHERE c.run_id = r.run_id AND c.model = $model)",
    "tool": "EXISTS (FROM calls c WHERE c.run_id = r.run_id AND c.kind = 'tool' AND c.tool_name = $tool)",
    "user": "r.user_id = $user",
    "conversation": "r.conversation_id = $conversation",
    "state": "r.state = $state",
    "errors": "r.errors > 0",
    "min_cost_usd": "r.cost_usd >= $min_cost_usd",
    "since_ns": "r.started_ns >= $since_ns",
}
"""Field of RunFilter -> what it asks of a run `r`."""


@dataclass(frozen=True)
class Page:
    """Some runs, and the cursor of the page after (None at the end)."""

    items: list[Row]
    next: str | None


def runs(connection: duckdb.DuckDBPyConnection, wanted: RunFilter, limit: int = 50, after: str | None = None) -> Page:
    """A page of runs, newest first. `after` is the `next` of the page before.

    Looks at the newest minutes first and further back only while the page is not full: a run that began at or after
    some moment has no span before it, so what a window finds from its start on is all there is.
    """
    newest_ns = connection.execute(NEWEST).fetchall()[0][0] or 0
    anchor_ns = min(newest_ns, int(str(_cursor(after)["after_ns"]))) if after else newest_ns
    for window_ns in WINDOWS_NS:
        start_ns = max(anchor_ns - window_ns, wanted.since_ns or 0)
        with since(connection, start_ns) as narrow:
            page = _runs(narrow, replace(wanted, since_ns=start_ns), limit, after)
        if page.next is not None or start_ns == wanted.since_ns:
            return page
    return _runs(connection, wanted, limit, after)


def _runs(connection: duckdb.DuckDBPyConnection, wanted: RunFilter, limit: int, after: str | None) -> Page:
    given = {name: value for name in CONDITIONS if (value := getattr(wanted, name))}
    where = [CONDITIONS[name] for name in given]
    parameters = {name: value for name, value in given.items() if name != "errors"}
    if after:
        where.append("(r.started_ns < $after_ns OR (r.started_ns = $after_ns AND r.run_id > $after_id))")
        parameters |= _cursor(after)
    query = f"SELECT {COLUMNS}, started_ns FROM runs r {'WHERE ' + ' AND '.join(where) if where else ''}"
    rows = rows_of(connection.execute(f"{query} ORDER BY started_ns DESC, run_id LIMIT {int(limit) + 1}", parameters))
    following = _next(rows[limit - 1]) if len(rows) > limit else None
    items = [{name: value for name, value in row.items() if name != "started_ns"} for row in rows[:limit]]
    return Page(items, following)


def one_run(connection: duckdb.DuckDBPyConnection, prefix: str) -> Row:
    """The run whose id is or begins with `prefix`. An id that became another run's alias leads there."""
    text = prefix.lower()
    if len(text) < PREFIX_CHARS_MIN or len(text) > ID_CHARS or not set(text) <= set("0123456789abcdef"):
        raise Refused(f"run id {prefix!r}: give {PREFIX_CHARS_MIN} to {ID_CHARS} hex digits of it")
    query = (
        f"SELECT {COLUMNS}, started_ns, ended_ns FROM runs WHERE starts_with(run_id, $prefix) ORDER BY run_id LIMIT 6"
    )
    found = rows_of(connection.execute(query, {"prefix": text}))
    if not found:
        return one_run(connection, _heir(connection, text))
    if len(found) > 1:
        raise Refused(
            f"run id {prefix} is not unique: {', '.join(str(row['run_id']) for row in found)}; give more of it"
        )
    return found[0]


def _heir(connection: duckdb.DuckDBPyConnection, prefix: str) -> str:
    """The run that has what the run `prefix` had while it was listed."""
    query = "SELECT DISTINCT run_id FROM run_aliases WHERE starts_with(alias_id, $prefix) ORDER BY run_id LIMIT 6"
    heirs = [str(row["run_id"]) for row in rows_of(connection.execute(query, {"prefix": prefix}))]
    if not heirs:
        raise NotFound(f"no run {prefix}; `spanledger runs` lists those there are")
    if len(heirs) > 1:
        raise Refused(f"run {prefix} became several runs as more was known of it: {', '.join(heirs)}; give one of them")
    return heirs[0]


def rows_of(result: duckdb.DuckDBPyConnection) -> list[Row]:
    """All rows of an executed query as dictionaries."""
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _next(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{row['started_ns']}.{row['run_id']}".encode()).decode().rstrip("=")


def _cursor(text: str) -> dict[str, object]:
    try:
        started, run_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(".")
        return {"after_ns": int(started), "after_id": run_id}
    except (ValueError, binascii.Error) as error:
        raise Refused(f"cursor {text!r}: take it from `next` of the page before") from error

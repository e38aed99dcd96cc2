"""Lists of runs, newest first: filters, pages by key, and finding one by a prefix of its id."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from ledger.errors import NotFound, Refused

Row = dict[str, object]

PREFIX_CHARS_MIN = 6
"""Fewer characters of an id would name several runs too often."""
ID_CHARS = 32
LIMIT_MAX = 1_000
"""Most runs a page of the list gives."""

COLUMNS = (
    "run_id, started_at, duration_ms, agent_name, service_name, environment, state, spans, model_calls, tool_calls, "
    "errors, input_tokens, output_tokens, cost_usd, unpriced_calls, conversation_id, user_id, ended_at"
)


PAGE = f"""
WITH newest AS ({{newest}})
SELECT {COLUMNS}, started_ns
FROM (
    SELECT * REPLACE (lower(hex(run_id)) AS run_id), make_timestamp(started_ns // 1000) AS started_at,
           make_timestamp(ended_ns // 1000) AS ended_at, (ended_ns - started_ns) / 1e6 AS duration_ms
    FROM newest
)
ORDER BY started_ns DESC, run_id
"""


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
    "agent": "(r.agent_name = $agent OR list_contains(r.agents, $agent))",
    "service": "r.service_name = $service",
    "environment": "r.environment = $environment",
    "model": "list_contains(r.models, $model)",
    "tool": "list_contains(r.tools, $tool)",
    "user": "r.user_id = $user",
    "conversation": "r.conversation_id = $conversation",
    "state": "r.state = $state",
    "errors": "r.errors > 0",
    "min_cost_usd": "r.cost_usd >= $min_cost_usd",
    "since_ns": "r.started_ns >= $since_ns",
}
"""Field of RunFilter -> what it asks of a row `r` of base.runs_now."""


@dataclass(frozen=True)
class Page:
    """Some runs, and the cursor of the page after (None at the end)."""

    items: list[Row]
    next: str | None


def runs(connection: duckdb.DuckDBPyConnection, wanted: RunFilter, limit: int = 50, after: str | None = None) -> Page:
    """A page of runs, newest first. `after` is the `next` of the page before."""
    given = {name: value for name in CONDITIONS if (value := getattr(wanted, name))}
    where = [CONDITIONS[name] for name in given]
    parameters = {name: value for name, value in given.items() if name != "errors"}
    if after:
        where.append("(r.started_ns < $after_ns OR (r.started_ns = $after_ns AND r.run_id > $after_id))")
        parameters |= _cursor(after)
    found = f"SELECT * FROM base.runs_now r {'WHERE ' + ' AND '.join(where) if where else ''}"
    newest = f"{found} ORDER BY started_ns DESC, run_id LIMIT {int(limit) + 1}"
    rows = rows_of(connection.execute(PAGE.format(newest=newest), parameters))
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
        return {"after_ns": int(started), "after_id": bytes.fromhex(run_id)}
    except (ValueError, binascii.Error) as error:
        raise Refused(f"cursor {text!r}: take it from `next` of the page before") from error

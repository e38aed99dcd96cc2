"""`/api/v1`: info, runs, replay, costs and usage as JSON. Integers are numbers, decimals strings, times RFC 3339."""

import platform
import time
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from ledger.errors import Refused
from ledger.schema import POSTING_VERSION, SCHEMA_VERSION
from queries.api.addresses import addresses
from queries.connect import shown
from queries.costs import costs
from queries.loops import LEAST, loops
from queries.loops import LIMIT_MAX as LOOPS_MAX
from queries.narrow import SUMMARY, of_run
from queries.progress import progress
from queries.reconcile.usage import usage
from queries.replay.replay import WINDOW_STEPS, content
from queries.runs import LIMIT_MAX, Row, RunFilter, one_run, runs
from queries.since import since_ns
from queries.version import VERSION
from queries.wire import jsonable

router = APIRouter(prefix="/api/v1", tags=["v1"])

Since = Annotated[str | None, Query(description="7d, 24h, 30m, a date, or an RFC 3339 time")]
"""A moment, as people give it."""


@router.get("/info")
def info(request: Request) -> JSONResponse:
    """Version, how far the ledger is, and where the service listens."""
    data = request.app.state.answers.data
    now = progress(data)
    return _answer(
        {
            "version": VERSION,
            "python": platform.python_version(),
            "schema_version": SCHEMA_VERSION,
            "posting_version": POSTING_VERSION,
            "posted_seq": now.posted_seq,
            "durable_seq": now.durable_seq,
            "addresses": addresses(data),
        }
    )


@router.get("/runs")
def list_runs(
    request: Request,
    agent: str | None = None,
    service: str | None = None,
    environment: str | None = None,
    model: str | None = None,
    tool: str | None = None,
    user: str | None = None,
    conversation: str | None = None,
    state: Literal["open", "complete", "incomplete"] | None = None,
    errors: bool = False,
    min_cost: Annotated[Decimal | None, Query(description="USD")] = None,
    since: Since = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
    after: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> JSONResponse:
    """Runs, newest first."""
    wanted = RunFilter(
        agent=agent,
        service=service,
        environment=environment,
        model=model,
        tool=tool,
        user=user,
        conversation=conversation,
        state=state,
        errors=errors,
        min_cost_usd=min_cost,
        since_ns=_moment(since),
    )
    with request.app.state.answers.connection() as connection:
        page = runs(connection, wanted, limit, after)
    return _answer({"items": page.items, "next": page.next})


@router.get("/runs/{run_id}")
def get_run(request: Request, run_id: str) -> JSONResponse:
    """One run; the id or a unique prefix of 6 or more digits."""
    with request.app.state.answers.connection() as connection, of_run(connection, run_id, SUMMARY) as narrow:
        return _answer(one_run(narrow, run_id))


@router.get("/runs/{run_id}/replay")
def get_replay(
    request: Request,
    run_id: str,
    first: Annotated[int, Query(alias="from", ge=1)] = 1,
    limit: Annotated[int, Query(ge=1, le=WINDOW_STEPS)] = WINDOW_STEPS,
) -> JSONResponse:
    """Steps of the run in event time, with the money so far. `next` is the number of the first step after these."""
    with request.app.state.answers.connection() as connection:
        found = request.app.state.kept.replay(connection, run_id, first, limit)
    return _answer({"run": found.run, "items": found.steps, "total": found.total, "next": found.next_step})


@router.get("/runs/{run_id}/steps/{step}")
def get_step(request: Request, run_id: str, step: int) -> JSONResponse:
    """One step in full: input, output, attributes, and the money lines of its call."""
    with request.app.state.answers.connection() as connection:
        found = request.app.state.kept.replay(connection, run_id, step, 1)
        if not found.steps:
            raise Refused(f"run {run_id} has {found.total} steps, there is no step {step}")
        return _answer(content(connection, str(found.run["run_id"]), found.steps[0]))


@router.get("/costs")
def get_costs(
    request: Request, by: Literal["agent", "model", "tool", "credential"] = "agent", since: Since = None
) -> JSONResponse:
    """Cost summed by agent, model, tool or credential (alias or hash of a key), the dearest first."""
    with request.app.state.answers.connection() as connection:
        rows = costs(connection, by, _moment(since))
    return _answer({"items": rows.to_pylist(), "next": None})


@router.get("/usage")
def get_usage(
    request: Request,
    first: Annotated[date, Query(alias="from", description="first day, UTC")],
    after: Annotated[date, Query(alias="to", description="first day after, UTC")],
) -> JSONResponse:
    """Model calls as providers bill them: by day UTC on which they ended and by the names that telemetry has. `as_of`
    is the last event that the figures know of."""
    with request.app.state.answers.connection() as connection:
        rows, as_of = usage(connection, first, after), shown(connection).cursor
    return _answer({"items": rows.to_pylist(), "next": None, "as_of": as_of})


@router.get("/loops")
def get_loops(
    request: Request,
    least: Annotated[int, Query(ge=2, description="identical calls that make a loop")] = LEAST,
    since: Since = None,
    limit: Annotated[int, Query(ge=1, le=LOOPS_MAX)] = LOOPS_MAX,
) -> JSONResponse:
    """Calls that a run made again and again with the same input, the dearest first."""
    with request.app.state.answers.connection() as connection:
        rows = loops(connection, least, _moment(since), limit)
    return _answer({"items": rows.to_pylist(), "next": None})


def _moment(since: str | None) -> int | None:
    return since_ns(since, time.time_ns()) if since else None


def _answer(body: Row) -> JSONResponse:
    return JSONResponse(jsonable(body))

"""The pages: `/runs`, `/runs/{id}`, `/cost`. Rendered here, without JavaScript; the state is in the address."""

import time
from decimal import Decimal, InvalidOperation
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from ledger.errors import NotFound, Refused
from ledger.paths import DataDir
from queries.api.addresses import addresses
from queries.costs import BREAKDOWNS, costs
from queries.narrow import of_run
from queries.page.chart import Axis, chart, depths, level
from queries.page.environment import STATIC, render
from queries.page.messages import blocks
from queries.progress import posted_seq
from queries.replay.replay import WINDOW_STEPS, content, cost_line, parents, replay
from queries.runs import RunFilter, runs
from queries.since import since_ns

router = APIRouter(include_in_schema=False)

RUNS_A_PAGE = 50
YEAR_S = 31_536_000
PERIODS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "": "all time"}
FILES = {"spanledger.css": "text/css", "favicon.svg": "image/svg+xml"}


@router.get("/")
def home() -> Response:
    return RedirectResponse("/runs", 307)


@router.get("/static/{name}")
def static(name: str) -> Response:
    if name not in FILES:
        raise NotFound(f"no file {name}")
    headers = {"cache-control": f"public, max-age={YEAR_S}, immutable"}
    return FileResponse(STATIC / name, media_type=FILES[name], headers=headers)


@router.get("/favicon.ico")
def favicon() -> Response:
    return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")


@router.get("/runs")
def runs_page(
    request: Request,
    agent: str = "",
    model: str = "",
    tool: str = "",
    state: str = "",
    since: str = "",
    min_cost: str = "",
    errors: bool = False,
    after: str = "",
) -> Response:
    """The list of runs, newest first. An empty field of the form asks for nothing."""
    asked = {"agent": agent, "model": model, "tool": tool, "state": state, "since": since, "min_cost": min_cost}
    wanted = RunFilter(
        agent=agent or None,
        model=model or None,
        tool=tool or None,
        state=state or None,
        errors=errors,
        min_cost_usd=_amount(min_cost),
        since_ns=_moment(since),
    )
    answers = request.app.state.answers
    with answers.connection() as connection:
        page = runs(connection, wanted, RUNS_A_PAGE, after or None)
    dearest = max((cost for run in page.items if isinstance(cost := run["cost_usd"], Decimal)), default=Decimal(0))
    given = {name: value for name, value in [*asked.items(), ("errors", "1" if errors else "")] if value}
    following = "?" + urlencode({**given, "after": page.next}) if page.next else None
    values = {
        "runs": page.items,
        "dearest": dearest,
        "asked": {**asked, "errors": errors},
        "filtered": bool(given or after),
        "following": following,
        "periods": PERIODS,
    }
    return render("runs.html", values | _frame(answers.data, "runs"))


@router.get("/runs/{run_id}")
def run_page(
    request: Request,
    run_id: str,
    step: Annotated[int | None, Query(ge=1)] = None,
    first: Annotated[int | None, Query(alias="from", ge=1)] = None,
) -> Response:
    """One run: figures, chart, steps, and the step that `?step=` names."""
    answers = request.app.state.answers
    start = first or (((step or 1) - 1) // WINDOW_STEPS * WINDOW_STEPS + 1)
    with answers.connection() as connection:
        with of_run(connection, run_id) as narrow:
            found = replay(narrow, run_id, start)
            whole_id = str(found.run["run_id"])
            tree = parents(narrow, whole_id)
            axis = Axis(int(str(found.run["started_ns"])), int(str(found.run["ended_ns"])))
            line = cost_line(narrow, whole_id, axis.start_ns, axis.end_ns)
        chosen = next((one for one in found.steps if one["step"] == step), None)
        if step is not None and chosen is None:
            raise NotFound(f"run {whole_id} has {found.total} steps from {start}, none is {step}")
        detail = content(connection, whole_id, chosen) if chosen else None
    levels = depths([(row[0], row[1]) for row in tree])
    values = {
        "run": found.run,
        "steps": found.steps,
        "levels": levels,
        "level": level,
        "origin_ns": axis.start_ns,
        "chart": chart(found.steps, levels, axis, line, chosen),
        "chosen": chosen,
        "detail": detail,
        "input": blocks(detail["input"]) if detail else [],
        "output": blocks(detail["output"]) if detail else [],
        "first": start,
        "total": found.total,
        "window": WINDOW_STEPS,
        "next_step": found.next_step,
    }
    return render("run.html", values | _frame(answers.data, "runs"))


@router.get("/cost")
def cost_page(request: Request, since: str = "") -> Response:
    """What agents, models and tools have cost."""
    answers = request.app.state.answers
    moment = _moment(since)
    with answers.connection() as connection:
        parts = {by: costs(connection, by, moment).to_pylist() for by in BREAKDOWNS}
    values = {"parts": parts, "totals": _totals(parts["agent"]), "since": since, "periods": PERIODS}
    return render("cost.html", values | _frame(answers.data, "cost"))


def _totals(rows: list[dict[str, object]]) -> dict[str, object]:
    names = ("calls", "input_tokens", "output_tokens", "unpriced_calls")
    sums: dict[str, object] = {name: sum(int(str(row[name] or 0)) for row in rows) for name in names}
    sums["cost_usd"] = sum((Decimal(str(row["cost_usd"] or 0)) for row in rows), Decimal(0))
    return sums


def _frame(data: DataDir, at: str) -> dict[str, object]:
    return {"at": at, "cursor": posted_seq(data), "addresses": addresses(data)}


def _moment(since: str) -> int | None:
    return since_ns(since, time.time_ns()) if since else None


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise Refused(f"min_cost {text!r}: give an amount such as 0.10") from error

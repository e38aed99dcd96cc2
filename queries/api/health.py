"""`/healthz` (this process lives), `/readyz` (the ledger can be read and follows the journal) and `/metrics`."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from ledger.errors import LedgerError
from queries.api.metrics import CONTENT_TYPE, metrics
from queries.progress import progress

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """200 once the ledger can be read, else 503; with the lag of the poster."""
    try:
        now = progress(request.app.state.answers.data)
    except (LedgerError, OSError) as error:
        return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
    ready = now.posted_seq >= 0
    body = {"status": "ready" if ready else "not ready", "posted_seq": now.posted_seq, "durable_seq": now.durable_seq}
    return JSONResponse(body, 200 if ready else 503)


@router.get("/metrics")
def prometheus(request: Request) -> Response:
    """Counters in the Prometheus text format."""
    answers = request.app.state.answers
    with answers.connection() as connection:
        return PlainTextResponse(metrics(answers.data, connection), media_type=CONTENT_TYPE)

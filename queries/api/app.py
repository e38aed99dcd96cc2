"""The application on the API port: health, metrics, /api/v1 and the page. Nothing here calls out."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from ledger.errors import LedgerError
from ledger.paths import DataDir
from queries.api import health, lists, v1, wrong_port
from queries.api.answers import DEFAULTS, Answers, Bounds
from queries.api.guard import Application, Guard
from queries.api.problem import problem, status_of
from queries.page import errors, routes
from queries.replay.kept import Kept

GZIP_BYTES_MIN = 2_000
"""Below this, headers outweigh the gain."""


def application(data: DataDir, bounds: Bounds = DEFAULTS, names: Collection[str] = ()) -> Application:
    """The ASGI application over the ledger in `data`. `names`: hosts it answers to, beside addresses and localhost."""
    return Guard(routed(data, bounds), frozenset(names))


def routed(data: DataDir, bounds: Bounds = DEFAULTS) -> FastAPI:
    """The application without its guard."""
    app = FastAPI(
        title="Spanledger", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json", lifespan=_lifespan
    )
    app.state.answers = Answers(data, bounds)
    app.state.kept = Kept()
    for part in (health, v1, lists, wrong_port, routes):
        app.include_router(part.router)
    app.add_exception_handler(LedgerError, _ledger_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _bug)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.answers.close()


def _answer(request: Request, status: int, title: str, detail: str) -> Response:
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return problem(status, title, detail)
    return errors.page(status, title, detail)


async def _ledger_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)
    return _answer(request, *status_of(error), str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, str(error.detail), f"{request.method} {request.url.path}")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.errors())
    return _answer(request, 400, "Refused", faults)


async def _bug(request: Request, error: Exception) -> Response:
    """Our fault: the server logs it in a line, the caller learns no more than that."""
    return _answer(request, 500, "Failed", f"the server could not answer ({type(error).__name__}); its log says more")

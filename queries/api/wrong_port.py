"""A client that sends telemetry here is told the right port, and named in the log once a minute."""

import logging
import time

from fastapi import APIRouter, Request
from fastapi.responses import Response

from queries.api.addresses import addresses
from queries.api.problem import problem

router = APIRouter()
log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0
CLIENTS_MAX = 1_000
"""Clients remembered at once; a flood of them is one line a minute each at most, and then forgotten."""

_told: dict[str, float] = {}


@router.post("/v1/{signal}", include_in_schema=False)
def otlp(request: Request, signal: str) -> Response:
    """OTLP/HTTP at the API's port."""
    right = addresses(request.app.state.answers.data).get("otlp_http", "the OTLP/HTTP port (4318)")
    client = request.client.host if request.client else "a client"
    if time.monotonic() - _told.get(client, -LOG_EVERY_S) >= LOG_EVERY_S:
        if len(_told) >= CLIENTS_MAX:
            _told.clear()
        _told[client] = time.monotonic()
        log.warning("%s sends OTLP %s to the API port; the right address is %s", client, signal, right)
    return problem(404, "Wrong port", f"this is the API; OTLP/HTTP is taken at {right}")

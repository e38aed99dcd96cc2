"""Errors on the wire: problem+json (RFC 9457), with the status that says what the caller must do."""

from fastapi.responses import JSONResponse

from ledger.errors import LedgerError, NotFound, Overloaded, Refused

STATUS: dict[type[LedgerError], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    Overloaded: (503, "Overloaded"),
    Refused: (400, "Refused"),
    LedgerError: (500, "Failed"),
}
"""First match wins, so the special comes before the general."""

RETRY_AFTER_S = 1


def problem(status: int, title: str, detail: str) -> JSONResponse:
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 503 else None
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def status_of(error: LedgerError) -> tuple[int, str]:
    return next(answer for kind, answer in STATUS.items() if isinstance(error, kind))

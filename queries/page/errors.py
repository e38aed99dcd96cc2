"""An error as a page."""

from fastapi.responses import Response

from queries.page.environment import render


def page(status: int, title: str, detail: str) -> Response:
    return render("error.html", {"title": title, "detail": detail, "code": status, "at": None}, status)

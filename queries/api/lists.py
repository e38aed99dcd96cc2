"""`/api/v1` of what people decided and published: short lists, and price books as they were published."""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from ledger.books.format import MEDIA_TYPE
from ledger.journal.read import JournalReader
from queries.lists import LIMIT_MAX, LISTS, Listed, page
from queries.prices.books import Shelf
from queries.wire import jsonable

router = APIRouter(prefix="/api/v1", tags=["v1"])


@router.get("/price-books/{name}", response_class=Response)
def get_price_book(request: Request, name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """A price book as it was published, a Parquet file: `current`, `seed` (shipped), or the first 6 or more digits of
    an id. The id is the SHA-256 of the file, and its ETag."""
    answers = request.app.state.answers
    with answers.connection() as connection, JournalReader(answers.data) as journal:
        body = Shelf(connection, journal).published_body(name)
    book_id = sha256(body).hexdigest()
    headers = {
        "etag": f'W/"{book_id}"',  # weak, as what packs answers leaves it as it is
        "cache-control": "no-cache",  # kept, but asked about: a newer book may be `current` by now
        "content-disposition": f'attachment; filename="{book_id[:12]}.parquet"',
    }
    if _is_known(book_id, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=MEDIA_TYPE)


def _is_known(book_id: str, if_none_match: str | None) -> bool:
    """Whether `if_none_match` (RFC 9110, 13.1.2) names the book, or `*`, which is any."""
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in (if_none_match or "").split(",")}
    return not tags.isdisjoint({book_id, "*"})


def _answering(listed: Listed) -> Callable[..., JSONResponse]:
    def answer(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_MAX,
        after: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> JSONResponse:
        with request.app.state.answers.connection() as connection:
            found = page(connection, listed, limit, after)
        return JSONResponse(jsonable({"items": found.items, "next": found.next}))

    return answer


for _name, _listed in LISTS.items():
    router.add_api_route(
        f"/{_name}",
        _answering(_listed),
        name=f"list {_name}",
        description=f"{_listed.said} Items have the columns of the view `{_listed.view}`.",
    )

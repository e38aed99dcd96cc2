"""Events about prices, costs and runs, as drafts."""

from hashlib import sha256

from ledger.journal.frame import Draft
from ledger.journal.kinds import (
    CONFIG_SET,
    PERIOD_CLOSED,
    PRICE_BOOK_PUBLISHED,
    PRICE_OVERRIDE_REMOVED,
    PRICE_OVERRIDE_SET,
    RECONCILIATION_RECORDED,
    RERATE_ORDERED,
    RUN_SETTLED,
)
from ledger.post.settling import Settling, settling_body

JSON = "application/json"


def newest_body() -> bytes:
    """The book of the installed genai-prices, else the one that this program ships."""
    from ledger.books.book import seed_body
    from ledger.errors import NotFound
    from queries.prices.books import installed_body

    try:
        return installed_body()
    except NotFound:
        return seed_body()


def book_draft(book_id: str, body: bytes, before: int) -> Draft:
    """Publishes a book. `before`: the event that published the one in force; sent twice, it has effect once, and a book
    that was in force long ago may come back."""
    from ledger.books.format import MEDIA_TYPE

    return Draft(
        kind=PRICE_BOOK_PUBLISHED,
        body=body,
        key=f"price_book:{book_id}:{before}",
        transport="control",
        content_type=MEDIA_TYPE,
    )


def override_draft(body: bytes) -> Draft:
    """Sets rules. Sent twice it says the same thing twice, so it needs no key."""
    return Draft(kind=PRICE_OVERRIDE_SET, body=body, transport="control", content_type=JSON)


def removal_draft(body: bytes) -> Draft:
    """Ends rules, for which the same holds."""
    return Draft(kind=PRICE_OVERRIDE_REMOVED, body=body, transport="control", content_type=JSON)


def choice_draft(body: bytes) -> Draft:
    """Chooses a policy. Sent twice it says the same thing twice, so it needs no key."""
    return Draft(kind=CONFIG_SET, body=body, transport="control", content_type=JSON)


def order_draft(body: bytes) -> Draft:
    """Orders to re-rate. Sent twice, the second finds nothing that differs."""
    return Draft(kind=RERATE_ORDERED, body=body, transport="control", content_type=JSON)


def reconciliation_draft(body: bytes) -> Draft:
    """Records a comparison. The same one again says nothing new, so it has effect once."""
    return Draft(
        kind=RECONCILIATION_RECORDED,
        body=body,
        key=f"reconciliation:{sha256(body).hexdigest()}",
        transport="control",
        content_type=JSON,
    )


def settling_draft(from_seq: int, through_seq: int, cursor: int) -> Draft:
    """Settles what was touched last from `from_seq` to `through_seq`. Sent twice while no more than `cursor` is posted,
    it has effect once."""
    return Draft(
        kind=RUN_SETTLED,
        body=settling_body(Settling(from_seq, through_seq)),
        key=f"settled:{from_seq}:{through_seq}:{cursor}",
        transport="control",
        content_type=JSON,
    )


def closing_draft(body: bytes) -> Draft:
    """Closes a month. Sent twice, the second is refused when it is posted."""
    return Draft(kind=PERIOD_CLOSED, body=body, transport="control", content_type=JSON)

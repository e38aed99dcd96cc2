"""The tables of what decides about prices, column by column: books, overrides and re-ratings. See ledger/schema.py."""

from ledger.column import I64, MONEY, TEXT, columns

PRICE_BOOKS = columns(
    (1, "price_book_id", TEXT, "SHA-256, hex, of the published body"),
    (2, "source", TEXT, "where the prices come from"),
    (3, "source_version", TEXT, "its version"),
    (4, "rows", I64, "prices in the book"),
    (5, "published_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (6, "event_seq", I64, "event that published it"),
)

PRICE_OVERRIDES = columns(
    (1, "override_id", TEXT, "id of the rule"),
    (2, "action", TEXT, "set or removed"),
    (3, "provider", TEXT, "provider that it is for; NULL: any"),
    (4, "model", TEXT, "model that it is for, `*` for any characters; NULL: any"),
    (5, "unit", TEXT, "unit that it is for; NULL: any"),
    (6, "multiply", MONEY, "factor of the list price; NULL where it sets a price"),
    (7, "price_usd", MONEY, "price of `per` units, USD; NULL where it multiplies"),
    (8, "per", I64, "units that price_usd is for"),
    (9, "valid_from_ns", I64, "first start of calls that it is for, ns since 1970 UTC; NULL: no bound"),
    (10, "valid_to_ns", I64, "first start beyond, ns since 1970 UTC; NULL: no bound"),
    (11, "reason", TEXT, "why it was set or removed"),
    (12, "author", TEXT, "who set or removed it"),
    (13, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (14, "event_seq", I64, "event that set or removed it"),
)

RERATES = columns(
    (1, "rerate_id", TEXT, "what the orders of one correction have in common"),
    (2, "price_book_id", TEXT, "SHA-256, hex, of the price book that prices anew"),
    (3, "since_ns", I64, "first charged_at of what is priced anew, ns since 1970 UTC"),
    (4, "until_ns", I64, "first charged_at beyond, ns since 1970 UTC"),
    (5, "reason", TEXT, "why it was ordered"),
    (6, "author", TEXT, "who ordered it"),
    (7, "calls", I64, "calls that were corrected"),
    (8, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (9, "event_seq", I64, "event that ordered it"),
)

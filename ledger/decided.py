"""The tables of what was decided or found about prices, costs and runs, by events. See ledger/schema.py."""

from ledger.column import BOOL, I32, I64, MONEY, TEXT, columns

PRICE_BOOKS = columns(
    (1, "price_book_id", TEXT, "SHA-256, hex, of the published body"),
    (2, "source", TEXT, "where the prices come from"),
    (3, "source_version", TEXT, "its version"),
    (4, "rows", I64, "prices in the book"),
    (5, "published_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (6, "event_seq", I64, "event that published it"),
)

PRICES = columns(
    (1, "price_book_id", TEXT, "SHA-256, hex, of the published body"),
    (2, "price_id", TEXT, "id of the price, unique in its book"),
    (3, "provider", TEXT, "provider id"),
    (4, "model", TEXT, "model id"),
    (5, "clause", TEXT, "JSON: which names mean the model; NULL where the book has no record of it"),
    (6, "context", TEXT, "circumstance of the request that it needs, key=value; empty for the ordinary price"),
    (7, "unit", TEXT, "what is counted"),
    (8, "price_usd", MONEY, "price of `per` units, USD"),
    (9, "per", I64, "units that the price is for"),
    (10, "tier_from", I64, "where its tier begins: least input_tokens of the request, or first unit of a line"),
    (11, "tier_to", I64, "where its tier ends, exclusive; NULL: nowhere"),
    (12, "valid_from_ns", I64, "first instant, ns since 1970 UTC; NULL: always before valid_to"),
    (13, "valid_to_ns", I64, "first instant after, ns since 1970 UTC; NULL: still valid"),
    (14, "tod_from_s", I32, "first second of the UTC day"),
    (15, "tod_to_s", I32, "first second after; 86400 is the end of the day"),
    (16, "note", TEXT, "what was changed on import; NULL: nothing"),
    (17, "event_seq", I64, "event that published the book first"),
    (
        18,
        "tier_rule",
        TEXT,
        "whole: by the request's input_tokens; graduated: to each part of a quantity its own price",
    ),
)

PRICE_OVERRIDES = columns(
    (1, "override_id", TEXT, "id of the rule"),
    (2, "action", TEXT, "set or removed"),
    (3, "provider", TEXT, "provider that it is for; NULL: any"),
    (4, "model", TEXT, "model that it is for, `*` for any characters; NULL: any"),
    (5, "unit", TEXT, "unit that it is for; NULL: any"),
    (6, "multiply", MONEY, "factor of the list price; NULL where it sets a price"),
    (7, "price_usd", MONEY, "price of `per` units, USD; NULL where it multiplies or has tiers"),
    (8, "per", I64, "units that prices are for"),
    (9, "valid_from_ns", I64, "first start of calls that it is for, ns since 1970 UTC; NULL: no bound"),
    (10, "valid_to_ns", I64, "first start beyond, ns since 1970 UTC; NULL: no bound"),
    (11, "reason", TEXT, "why it was set or removed"),
    (12, "author", TEXT, "who set or removed it"),
    (13, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (14, "event_seq", I64, "event that set or removed it"),
    (15, "tool", TEXT, "tool whose fee it sets, `*` for any characters; NULL: it is for models"),
    (16, "tier_rule", TEXT, "whole or graduated, see prices; NULL: it has no tiers"),
    (17, "tiers", TEXT, "JSON: from what size on which price holds; NULL: it has no tiers"),
    (18, "position", I64, "place among what its event set or removed, from 1"),
)

COST_SOURCES = columns(
    (1, "source", TEXT, "attribute or metric that states a cost"),
    (2, "policy", TEXT, "computed, reported or max; NULL: the default again"),
    (3, "reason", TEXT, "why it was chosen"),
    (4, "author", TEXT, "who chose it"),
    (5, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (6, "event_seq", I64, "event that chose it"),
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

RECONCILIATIONS = columns(
    (1, "provider", TEXT, "provider that was compared with"),
    (2, "day", TEXT, "day UTC, as 2026-11-28"),
    (3, "model", TEXT, "model; NULL: all that the provider bills on that day"),
    (4, "ledger_calls", I64, "calls in the ledger"),
    (5, "provider_requests", I64, "requests as the provider counts them; NULL where it does not say"),
    (6, "ledger_input_tokens", I64, "tokens in, inclusive of cache; NULL where none is known"),
    (7, "provider_input_tokens", I64, "the same as the provider counts them; NULL where it does not say"),
    (8, "ledger_output_tokens", I64, "tokens out, inclusive of reasoning; NULL where none is known"),
    (9, "provider_output_tokens", I64, "the same as the provider counts them; NULL where it does not say"),
    (10, "ledger_cost_usd", MONEY, "cost in the ledger, USD; NULL where none is known"),
    (11, "provider_cost_usd", MONEY, "what the provider bills, USD; NULL where it does not say"),
    (12, "difference_usd", MONEY, "what the provider bills beyond the ledger, USD; NULL where one is not known"),
    (13, "agrees", BOOL, "whether counts were equal and costs within the tolerance"),
    (14, "causes", TEXT, "why they may differ, the likeliest first, one a line"),
    (15, "as_of_seq", I64, "last event that the ledger's figures know of"),
    (16, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (17, "event_seq", I64, "event that recorded it"),
)

SETTLINGS = columns(
    (1, "from_seq", I64, "first event of the stretch"),
    (2, "through_seq", I64, "last event of it: what was touched last in this stretch is settled"),
    (3, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (4, "event_seq", I64, "event that settled it"),
)

PERIODS = columns(
    (1, "month", TEXT, "accounting month that was closed, with all before it, as 2026-11"),
    (2, "reason", TEXT, "why"),
    (3, "author", TEXT, "who closed it"),
    (4, "recorded_ns", I64, "receipt of the event, ns since 1970 UTC"),
    (5, "event_seq", I64, "event that closed it"),
)

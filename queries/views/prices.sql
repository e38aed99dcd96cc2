-- One row per price of every price book that was published, once a book. `price_book_id` and `price_id` of a charge name
-- the price that it was booked at; prices of your own are in `price_overrides`.
--
-- A price holds for calls that start within its dates and its time of day, in requests of its size and circumstance. Of a
-- model that sells in tiers the price of a request's tier is that of all its tokens.
--
-- @tenant: tenant; NULL, as a price book is for all of them
-- @price_book_id: SHA-256 of the published book, hex
-- @price_id: id of the price, unique in its book
-- @is_current: whether it is of the newest book, which prices what arrives now
-- @provider: provider, id in the book
-- @model: model, id in the book
-- @clause: which names mean the model, JSON (docs/reference/price-book.md); NULL where the book has no record of it
-- @context: circumstance of the request that the price needs, key=value; empty for the ordinary price
-- @unit: what is counted
-- @price_usd: price of `per` units, USD
-- @per: units that the price is for
-- @tier_from: where its tier begins: least input_tokens of the request, or first unit of a line
-- @tier_to: where its tier ends, exclusive; NULL: nowhere
-- @tier_rule: whole: by the request's input_tokens; graduated: to each part of a quantity its own price
-- @valid_from: first instant, UTC, microseconds; NULL: always before valid_to
-- @valid_to: first instant after, UTC, microseconds; NULL: still valid
-- @tod_from_s: first second of the UTC day
-- @tod_to_s: first second after; 86400 is the end of the day
-- @note: what was changed on import, such as the figure before rounding; NULL: nothing
-- @valid_from_ns: first instant, ns since 1970 UTC
-- @valid_to_ns: first instant after, ns since 1970 UTC
-- @event_seq: event that published the book first
CREATE VIEW prices AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  price_book_id,
  price_id,
  price_book_id = (SELECT MAX_BY(price_book_id, event_seq) FROM base.price_books) AS is_current,
  provider,
  model,
  clause,
  context,
  unit,
  price_usd,
  per,
  tier_from,
  tier_to,
  tier_rule,
  MAKE_TIMESTAMP(valid_from_ns // 1000) AS valid_from,
  MAKE_TIMESTAMP(valid_to_ns // 1000) AS valid_to,
  tod_from_s,
  tod_to_s,
  note,
  valid_from_ns,
  valid_to_ns,
  event_seq
FROM base.prices;

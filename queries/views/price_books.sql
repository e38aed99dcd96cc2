-- One row per price book that was published. The newest one prices what is posted after it.
--
-- @tenant: tenant; NULL, as a price book is for all of them
-- @price_book_id: SHA-256 of the published body, hex
-- @source: where the prices come from
-- @source_version: its version
-- @rows: prices in the book
-- @published_at: receipt of the event, UTC, microseconds
-- @published_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that published it
CREATE VIEW price_books AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  price_book_id,
  source,
  source_version,
  rows,
  MAKE_TIMESTAMP(published_ns // 1000) AS published_at,
  published_ns,
  event_seq
FROM base.price_books;

-- One row per order to re-rate. The lines that follow from it have its event_seq: a reversal of each line of a call that
-- then costs something else, and a line booked anew (entry `rerate`). A correction of much is several orders.
--
-- @tenant: tenant; NULL, as an order is for all of them
-- @rerate_id: what the orders of one correction have in common
-- @price_book_id: SHA-256 of the price book that prices anew, hex
-- @since: first charged_at of what is priced anew, UTC, microseconds; NULL: no bound that a time can hold
-- @until: first charged_at beyond, UTC, microseconds; NULL: no bound that a time can hold
-- @reason: why it was ordered
-- @author: who ordered it
-- @calls: calls that were corrected
-- @recorded_at: receipt of the event, UTC, microseconds
-- @since_ns: first charged_at of what is priced anew, ns since 1970 UTC
-- @until_ns: first charged_at beyond, ns since 1970 UTC
-- @recorded_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that ordered it
CREATE VIEW rerates AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  rerate_id,
  price_book_id,
  CASE WHEN since_ns > 0 THEN MAKE_TIMESTAMP(since_ns // 1000) END AS since,
  CASE WHEN until_ns < 9223372036854775807 THEN MAKE_TIMESTAMP(until_ns // 1000) END AS until,
  reason,
  author,
  calls,
  MAKE_TIMESTAMP(recorded_ns // 1000) AS recorded_at,
  since_ns,
  until_ns,
  recorded_ns,
  event_seq
FROM base.rerates;

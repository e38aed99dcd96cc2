-- One row per accounting month that was closed, and with it all months before. What is booked later on a closed month
-- counts when it was recorded: `accounting_at` of charges.
--
-- @tenant: tenant; NULL, as months are closed for all of them
-- @month: the month, as 2026-11
-- @reason: why
-- @author: who closed it
-- @recorded_at: receipt of the event, UTC, microseconds
-- @recorded_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that closed it
CREATE VIEW periods AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  month,
  reason,
  author,
  MAKE_TIMESTAMP(recorded_ns // 1000) AS recorded_at,
  recorded_ns,
  event_seq
FROM base.periods;

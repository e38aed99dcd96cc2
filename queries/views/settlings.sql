-- One row per event that settled runs: what was touched last in its stretch of the journal is taken for over. An open
-- run is incomplete then, and what spans of agents know of tokens beyond the calls below them is booked: `residuals`.
-- Whatever comes later of such a run takes that back.
--
-- @tenant: tenant; NULL, as runs of all of them are settled
-- @from_seq: first event of the stretch
-- @through_seq: last event of the stretch
-- @recorded_at: receipt of the event, UTC, microseconds
-- @recorded_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that settled it
CREATE VIEW settlings AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  from_seq,
  through_seq,
  MAKE_TIMESTAMP(recorded_ns // 1000) AS recorded_at,
  recorded_ns,
  event_seq
FROM base.settlings;

-- One row per model and day, and one per day for all, of each comparison with a provider that was recorded.
--
-- What was found then stays as it was found, whatever is booked or corrected later.
--
-- @tenant: tenant; NULL, as a provider bills all of them together
-- @provider: provider that was compared with
-- @day: day, UTC
-- @model: model as the price book calls it; NULL: all that the provider bills on that day
-- @ledger_calls: calls in the ledger
-- @provider_requests: requests as the provider counts them; NULL where it does not say
-- @ledger_input_tokens: tokens in, inclusive of cache; NULL where none is known
-- @provider_input_tokens: the same as the provider counts them; NULL where it does not say
-- @ledger_output_tokens: tokens out, inclusive of reasoning; NULL where none is known
-- @provider_output_tokens: the same as the provider counts them; NULL where it does not say
-- @ledger_cost_usd: cost in the ledger, USD; NULL where none is known
-- @provider_cost_usd: what the provider bills, USD; NULL where it does not say
-- @difference_usd: what the provider bills beyond the ledger, USD; NULL where one of the two is not known
-- @agrees: whether counts were equal and costs within the tolerance
-- @causes: why they may differ, the likeliest first, one a line
-- @as_of_seq: last event that the ledger's figures know of
-- @recorded_at: receipt of the event, UTC, microseconds
-- @recorded_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that recorded it
CREATE VIEW reconciliations AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  provider,
  CAST(day AS DATE) AS day,
  model,
  ledger_calls,
  provider_requests,
  ledger_input_tokens,
  provider_input_tokens,
  ledger_output_tokens,
  provider_output_tokens,
  ledger_cost_usd,
  provider_cost_usd,
  difference_usd,
  agrees,
  causes,
  as_of_seq,
  MAKE_TIMESTAMP(recorded_ns // 1000) AS recorded_at,
  recorded_ns,
  event_seq
FROM base.reconciliations;

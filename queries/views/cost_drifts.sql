-- One row per call whose cost as telemetry states it and as computed from its tokens differ by more than a hundredth.
--
-- Which of the two is booked depends on who states it: `cost_usd`. A stated cost of 0 or less is no statement: many
-- libraries write it for what they do not know.
--
-- @tenant: tenant
-- @call_id: id of the call, hex
-- @run_id: run it belongs to, hex
-- @agent_name: agent
-- @service_name: service
-- @environment: environment; empty where unknown
-- @provider: model provider, canonical name
-- @model: model priced
-- @ended_at: end by the sender's clock, UTC, microseconds; NULL if not sent
-- @ended_ns: end by the sender's clock, ns since 1970 UTC; 0 if not sent
-- @computed_cost_usd: found by quantity and price, USD
-- @reported_cost_usd: what telemetry states, USD
-- @reported_source: attribute that states it
-- @cost_usd: what is booked, USD
-- @drift_usd: stated - computed, USD
-- @drift_pct: the same in hundredths of what was computed; NULL where that is 0
CREATE VIEW cost_drifts AS
SELECT
  tenant,
  call_id,
  run_id,
  agent_name,
  service_name,
  environment,
  provider,
  model,
  ended_at,
  ended_ns,
  computed_cost_usd,
  reported_cost_usd,
  reported_source,
  cost_usd,
  CAST(reported_cost_usd - computed_cost_usd AS DECIMAL(38, 12)) AS drift_usd,
  CAST(100 * (reported_cost_usd - computed_cost_usd) / NULLIF(computed_cost_usd, 0) AS DECIMAL(38, 3)) AS drift_pct
FROM calls
WHERE reported_cost_usd > 0 AND ABS(reported_cost_usd - computed_cost_usd) * 100 > computed_cost_usd;

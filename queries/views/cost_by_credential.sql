-- Cost, tokens and calls by hour and key, folded as events are posted. Every row counts once: rows may be summed.
--
-- A key is known by its alias or hash, as the view of the call that bills says it; gateways do. What one key was used
-- for, as somebody's personal key: `SELECT * FROM calls WHERE credential = '...'`.
--
-- @tenant: tenant
-- @hour: start of the hour in which the cost arose (charged_at), UTC
-- @hour_ns: the same, ns since 1970 UTC
-- @environment: environment; empty where unknown
-- @service_name: service
-- @agent_name: agent
-- @credential: alias or hash of the key used, never a key; NULL where the telemetry names none
-- @calls: calls
-- @errors: calls that failed
-- @input_tokens: tokens in, inclusive of cache
-- @output_tokens: tokens out, inclusive of reasoning
-- @cost_usd: sum of the charges, USD; 0 where none was due, NULL where none is known
-- @unpriced_calls: calls with a line of unknown cost, which cost_usd leaves out
CREATE VIEW cost_by_credential AS
SELECT
  tenant,
  MAKE_TIMESTAMP(hour_ns // 1000) AS hour,
  hour_ns,
  environment,
  service_name,
  agent_name,
  credential,
  CAST(SUM(calls) AS BIGINT) AS calls,
  CAST(SUM(errors) AS BIGINT) AS errors,
  CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
  CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
  CASE WHEN SUM(unpriced_calls) = 0 OR SUM(cost_usd) <> 0 THEN SUM(cost_usd) END AS cost_usd,
  CAST(SUM(unpriced_calls) AS BIGINT) AS unpriced_calls
FROM base.rollups
GROUP BY ALL
HAVING SUM(calls) <> 0 OR SUM(cost_usd) <> 0;

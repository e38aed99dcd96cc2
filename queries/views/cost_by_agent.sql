-- Cost, tokens and calls by hour and agent, folded as events are posted. Every row counts once: rows may be summed.
--
-- The cost is the agent's own (self). inclusive_cost_usd is that and the cost of all agents beneath, so it holds money of
-- other rows. An agent that has only others beneath has calls 0 and cost 0.
--
-- @tenant: tenant
-- @hour: start of the hour in which the cost arose (charged_at), UTC
-- @hour_ns: the same, ns since 1970 UTC
-- @environment: environment; empty where unknown
-- @service_name: service
-- @agent_name: agent
-- @team: team
-- @user_id: user
-- @calls: calls
-- @errors: calls that failed
-- @input_tokens: tokens in, inclusive of cache
-- @output_tokens: tokens out, inclusive of reasoning
-- @cost_usd: sum of the charges, USD; 0 where none was due, NULL where none is known
-- @inclusive_cost_usd: cost with the known cost of agents beneath, USD; never sum it; NULL where none is known
-- @unpriced_calls: calls with a line of unknown cost, which cost_usd leaves out
CREATE VIEW cost_by_agent AS
SELECT
  tenant,
  MAKE_TIMESTAMP(hour_ns // 1000) AS hour,
  hour_ns,
  environment,
  service_name,
  agent_name,
  team,
  user_id,
  CAST(SUM(calls) AS BIGINT) AS calls,
  CAST(SUM(errors) AS BIGINT) AS errors,
  CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
  CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
  CASE WHEN SUM(unpriced_calls) = 0 OR SUM(cost_usd) <> 0 THEN SUM(cost_usd) END AS cost_usd,
  CASE
    WHEN SUM(unpriced_calls) = 0 OR SUM(cost_usd) <> 0 OR SUM(agents_usd) <> 0 THEN SUM(cost_usd) + SUM(agents_usd)
  END AS inclusive_cost_usd,
  CAST(SUM(unpriced_calls) AS BIGINT) AS unpriced_calls
FROM base.rollups
GROUP BY ALL
HAVING SUM(calls) <> 0 OR SUM(cost_usd) <> 0 OR SUM(agents_usd) <> 0;

-- Cost, tokens and calls by hour and tool, folded as events are posted. Every row counts once: rows may be summed.
--
-- fee_usd is what the tool itself costs, and so is in the totals. beneath_usd (model charges under the tool's span) and
-- result_usd (what its result costs in the agent's next prompt) are in no total; they are not computed yet and are NULL.
--
-- @tenant: tenant
-- @hour: start of the hour in which the cost arose (charged_at), UTC
-- @hour_ns: the same, ns since 1970 UTC
-- @environment: environment; empty where unknown
-- @service_name: service
-- @agent_name: agent
-- @tool_name: tool, or a provider's tool (web_search)
-- @calls: calls
-- @errors: calls that failed
-- @input_tokens: tokens in, inclusive of cache
-- @output_tokens: tokens out, inclusive of reasoning
-- @cost_usd: sum of the charges, USD; 0 where none was due, NULL where none is known
-- @fee_usd: the same: the tool's own fee and the provider's fee for it, USD
-- @beneath_usd: model charges under the tool's span, USD; NULL for now
-- @result_usd: estimate of what its result cost in the agent's next prompt, USD; NULL for now
-- @unpriced_calls: calls with a line of unknown cost, which cost_usd leaves out
CREATE VIEW cost_by_tool AS
SELECT
  tenant,
  MAKE_TIMESTAMP(hour_ns // 1000) AS hour,
  hour_ns,
  environment,
  service_name,
  agent_name,
  tool_name,
  CAST(SUM(calls) AS BIGINT) AS calls,
  CAST(SUM(errors) AS BIGINT) AS errors,
  CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
  CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
  CASE WHEN SUM(unpriced_calls) = 0 OR SUM(cost_usd) <> 0 THEN SUM(cost_usd) END AS cost_usd,
  CASE WHEN SUM(unpriced_calls) = 0 OR SUM(cost_usd) <> 0 THEN SUM(cost_usd) END AS fee_usd,
  CAST(NULL AS DECIMAL(38, 12)) AS beneath_usd,
  CAST(NULL AS DECIMAL(38, 12)) AS result_usd,
  CAST(SUM(unpriced_calls) AS BIGINT) AS unpriced_calls
FROM base.rollups
WHERE tool_name <> ''
GROUP BY ALL
HAVING SUM(calls) <> 0 OR SUM(cost_usd) <> 0;

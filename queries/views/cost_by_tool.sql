-- Cost, tokens and calls by hour and tool, folded as events are posted. Every row counts once: rows may be summed.
--
-- fee_usd is what the tool itself costs, and so is in the totals. beneath_usd and result_usd say what else the tool made
-- models cost; they are in no total, for agents and models have them already.
--
-- beneath_usd is what calls of models cost that lie beneath the tool's span, however deep, as where the tool runs an
-- agent of its own; each counts for the innermost tool alone, by the hour and agent of the model's call.
--
-- result_usd estimates what the results of tools cost as input. Of the agent's call before the tool ended and its call
-- after it (in one trace and run, not those beneath the tool), the second has in its prompt the first's, its answer, and
-- the results between: max(0, tokens in - tokens in before - tokens out before), at the mean list price of its input, is
-- shared among these tools by the length of their outputs. Unknown without such calls, their tokens, prices or outputs.
--
-- @tenant: tenant
-- @hour: start of the hour in which the cost arose (charged_at), UTC
-- @hour_ns: the same, ns since 1970 UTC
-- @environment: environment; empty where unknown
-- @service_name: service
-- @agent_name: agent; of beneath_usd the one that called the models
-- @tool_name: tool, or a provider's tool (web_search)
-- @calls: calls
-- @errors: calls that failed
-- @input_tokens: tokens in, inclusive of cache
-- @output_tokens: tokens out, inclusive of reasoning
-- @cost_usd: sum of the charges, USD; 0 where none was due, NULL where none is known
-- @fee_usd: the same: the tool's own fee and the provider's fee for it, USD
-- @beneath_usd: cost of models beneath the tool's span, USD; 0 where there are none, NULL where no cost is known
-- @result_usd: estimate of what its results cost in the agent's next prompts, USD; NULL where it is known of no call
-- @unpriced_calls: calls with a line of unknown cost, which cost_usd leaves out
-- @beneath_unpriced_calls: calls of models with a line of unknown cost, which beneath_usd leaves out
-- @result_calls: calls of the tool that result_usd is the sum of
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
  CASE WHEN SUM(beneath_unpriced) = 0 OR SUM(beneath_usd) <> 0 THEN SUM(beneath_usd) END AS beneath_usd,
  CASE WHEN SUM(result_calls) > 0 THEN SUM(result_usd) END AS result_usd,
  CAST(SUM(unpriced_calls) AS BIGINT) AS unpriced_calls,
  CAST(SUM(beneath_unpriced) AS BIGINT) AS beneath_unpriced_calls,
  CAST(SUM(result_calls) AS BIGINT) AS result_calls
FROM (
  SELECT
    tenant, hour_ns, environment, service_name, agent_name, tool_name, calls, errors, input_tokens, output_tokens,
    cost_usd, unpriced_calls, 0 AS beneath_usd, 0 AS beneath_unpriced, result_usd, result_calls
  FROM base.rollups
  WHERE tool_name <> ''
  UNION ALL
  SELECT
    tenant, hour_ns, environment, service_name, agent_name, beneath_tool, 0, 0, 0, 0, 0, 0, cost_usd, unpriced_calls, 0, 0
  FROM base.rollups
  WHERE beneath_tool <> ''
)
GROUP BY ALL
HAVING SUM(calls) <> 0 OR SUM(cost_usd) <> 0 OR SUM(beneath_usd) <> 0 OR SUM(beneath_unpriced) <> 0
  OR SUM(result_calls) <> 0;

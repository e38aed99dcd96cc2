-- One row per run, as known now, from what the poster keeps of each; with whom and what its calls were made by and of.
-- Says the same as `runs_as_of` of the last event, which goes through all spans.
CREATE VIEW base.runs_now AS
SELECT
  tenant,
  run_id,
  agent_name,
  service_name,
  environment,
  conversation_id,
  user_id,
  started_ns,
  ended_ns,
  CASE
    WHEN top_rank >= 2 AND NOT is_settled THEN 'open'
    WHEN top_rank >= 2 OR has_orphan THEN 'incomplete'
    ELSE 'complete'
  END AS state,
  spans,
  model_calls,
  tool_calls,
  errors,
  input_tokens,
  output_tokens,
  cost_usd,
  unpriced_calls,
  agents,
  models,
  tools
FROM (
  SELECT
    *,
    EXISTS (
      SELECT 1
      FROM base.settled_now AS s
      WHERE last_seq BETWEEN s.from_seq AND s.through_seq
    ) AS is_settled
  FROM (
  SELECT
    tenant, run_id, agent_name, service_name, environment, conversation_id, user_id, started_ns, ended_ns,
    event_seq AS last_seq, top_rank, has_agent, has_orphan, spans, model_calls, tool_calls, errors, input_tokens, output_tokens, cost_usd,
    unpriced_calls, agents, models, tools
  FROM base.run_parts_now
  WHERE run_rule IN ('agent', 'trace') AND run_id NOT IN (FROM base.runs_of_several_traces)
  UNION ALL
  SELECT
    tenant,
    run_id,
    ARG_MIN(agent_name, topness) AS agent_name,
    ARG_MIN(service_name, topness) AS service_name,
    ARG_MIN(environment, topness) AS environment,
    ARG_MIN(conversation_id, topness) AS conversation_id,
    ARG_MIN(user_id, topness) AS user_id,
    MIN(started_ns) AS started_ns,
    MAX(ended_ns) AS ended_ns,
    MAX(event_seq) AS last_seq,
    MIN(top_rank) AS top_rank,
    BOOL_OR(has_agent) AS has_agent,
    BOOL_OR(has_orphan) AS has_orphan,
    CAST(SUM(spans) AS BIGINT) AS spans,
    CAST(SUM(model_calls) AS BIGINT) AS model_calls,
    CAST(SUM(tool_calls) AS BIGINT) AS tool_calls,
    CAST(SUM(errors) AS BIGINT) AS errors,
    CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
    CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
    SUM(cost_usd) AS cost_usd,
    CAST(SUM(unpriced_calls) AS BIGINT) AS unpriced_calls,
    LIST_DISTINCT(FLATTEN(LIST(agents))) AS agents,
    LIST_DISTINCT(FLATTEN(LIST(models))) AS models,
    LIST_DISTINCT(FLATTEN(LIST(tools))) AS tools
  FROM (
    SELECT
      * REPLACE (COALESCE(heir_id, run_id) AS run_id),
      {'rank': top_rank, 'start_ns': COALESCE(top_ns, started_ns), 'trace_id': trace_id} AS topness
    FROM base.run_parts_now
    LEFT JOIN base.run_heirs_as_of(9223372036854775807) USING (tenant, run_id)
    WHERE run_rule NOT IN ('agent', 'trace') OR run_id IN (FROM base.runs_of_several_traces)
  )
  GROUP BY tenant, run_id
  )
)
WHERE has_agent OR model_calls > 0 OR tool_calls > 0;

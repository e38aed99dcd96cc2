-- One row per run, as known now: one top-level piece of work that an auditor would replay.
--
-- The top of a run is its first span without a parent, else its first agent or workflow span; it names the agent, the
-- service and the conversation. A run without any call, agent or workflow span is not listed.
--
-- @tenant: tenant
-- @run_id: id of the run, hex
-- @agent_name: agent of the run's top
-- @service_name: service of the run's top
-- @environment: environment of the run's top; empty where unknown
-- @conversation_id: conversation of the run's top
-- @user_id: user of the run's top
-- @started_at: first start of its spans, UTC, microseconds; of a span that says none its end, else its receipt
-- @ended_at: last end of its spans, UTC, microseconds
-- @started_ns: the same, ns since 1970 UTC
-- @ended_ns: last end of its spans, ns since 1970 UTC
-- @duration_ms: ended - started, milliseconds
-- @state: open: its top has not arrived; incomplete: nor had it when the run was settled, or it has, but a span names a parent that has not; else complete
-- @spans: spans of the run
-- @model_calls: calls of models, each counted once
-- @tool_calls: executions of tools, each counted once
-- @errors: spans of the run with status error
-- @input_tokens: tokens in of its model calls, inclusive of cache; NULL where none is known
-- @output_tokens: tokens out of its model calls, inclusive of reasoning; NULL where none is known
-- @cost_usd: sum of the charges booked on the run, USD; NULL when nothing is known
-- @unpriced_calls: calls whose cost_status is unpriced or ambiguous: what cost_usd leaves out
CREATE VIEW runs AS
SELECT
  tenant,
  LOWER(HEX(run_id)) AS run_id,
  agent_name,
  service_name,
  environment,
  conversation_id,
  user_id,
  MAKE_TIMESTAMP(started_ns // 1000) AS started_at,
  MAKE_TIMESTAMP(ended_ns // 1000) AS ended_at,
  started_ns,
  ended_ns,
  (ended_ns - started_ns) / 1e6 AS duration_ms,
  state,
  spans,
  model_calls,
  tool_calls,
  errors,
  input_tokens,
  output_tokens,
  cost_usd,
  unpriced_calls
FROM base.runs_now;

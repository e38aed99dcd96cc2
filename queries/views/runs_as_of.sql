-- One row per run, as known at event `seq`; columns as in `runs`.
CREATE MACRO runs_as_of(seq) AS TABLE
SELECT
  t.tenant,
  LOWER(HEX(t.run_id)) AS run_id,
  t.agent_name,
  t.service_name,
  t.environment,
  t.conversation_id,
  t.user_id,
  MAKE_TIMESTAMP(t.started_ns // 1000) AS started_at,
  MAKE_TIMESTAMP(t.ended_ns // 1000) AS ended_at,
  t.started_ns,
  t.ended_ns,
  (t.ended_ns - t.started_ns) / 1e6 AS duration_ms,
  CASE
    WHEN NOT t.has_top AND NOT EXISTS (
      SELECT 1
      FROM base.settled_as_of(seq) AS s
      WHERE t.last_seq BETWEEN s.from_seq AND s.through_seq
    ) THEN 'open'
    WHEN NOT t.has_top OR t.has_orphan THEN 'incomplete'
    ELSE 'complete'
  END AS state,
  t.spans,
  t.model_calls,
  t.tool_calls,
  t.errors,
  t.input_tokens,
  t.output_tokens,
  c.cost_usd,
  COALESCE(c.unpriced_calls, 0) AS unpriced_calls
FROM (
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
    MAX(last_seq) AS last_seq,
    MIN(topness).rank < 2 AS has_top,
    BOOL_OR(has_orphan) AS has_orphan,
    CAST(SUM(spans) AS BIGINT) AS spans,
    CAST(SUM(model_calls) AS BIGINT) AS model_calls,
    CAST(SUM(tool_calls) AS BIGINT) AS tool_calls,
    CAST(SUM(errors) AS BIGINT) AS errors,
    CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
    CAST(SUM(output_tokens) AS BIGINT) AS output_tokens
  FROM (  -- by trace first: conversation and user are those of the first trace that has one
    SELECT
      tenant,
      run_id,
      ARG_MIN(agent_name, topness) AS agent_name,
      ARG_MIN(service_name, topness) AS service_name,
      ARG_MIN(environment, topness) AS environment,
      ARG_MIN(conversation_id, topness) AS conversation_id,
      ARG_MIN(user_id, topness) AS user_id,
      MAX(last_seq) AS last_seq,
      MIN(topness) AS topness,
      MIN(began_ns) AS started_ns,
      MAX(GREATEST(began_ns, end_ns)) AS ended_ns,
      BOOL_OR(is_agent OR is_model_call OR is_tool_call) AS is_listed,
      BOOL_OR(is_orphan) AS has_orphan,
      COUNT(*) FILTER (WHERE signal = 'span') AS spans,
      COUNT(*) FILTER (WHERE is_model_call) AS model_calls,
      COUNT(*) FILTER (WHERE is_tool_call) AS tool_calls,
      COUNT(*) FILTER (WHERE status = 'error' AND signal = 'span') AS errors,
      SUM(input_tokens) FILTER (WHERE is_model_call) AS input_tokens,
      SUM(output_tokens) FILTER (WHERE is_model_call) AS output_tokens
    FROM (
      SELECT
        p.tenant,
        COALESCE(h.heir_id, p.run_id) AS run_id,
        p.trace_id,
        l.last_seq,
        s.signal,
        p.agent_name,
        p.conversation_id,
        p.user_id,
        s.service_name,
        s.environment,
        -- A span that says no time happened, as far as anybody knows, when it was received.
        COALESCE(NULLIF(s.start_ns, 0), NULLIF(s.end_ns, 0), s.received_ns) AS began_ns,
        s.end_ns,
        s.status,
        s.input_tokens,
        s.output_tokens,
        s.parent_span_id IS NULL AND s.signal = 'span' AS is_root,
        COALESCE(s.operation IN ('agent', 'workflow'), FALSE) AS is_agent,
        -- The parent of an agent may lie in a program that is not observed; any other parent is still expected.
        s.parent_span_id IS NOT NULL AND o.span_id IS NULL AND NOT is_agent AND s.signal = 'span' AS is_orphan,
        p.billed AND p.kind = 'model' AS is_model_call,
        p.billed AND p.kind = 'tool' AS is_tool_call,
        {'rank': CASE WHEN is_root THEN 0 WHEN is_agent THEN 1 WHEN s.signal = 'span' THEN 2 ELSE 3 END,
         'start_ns': began_ns, 'trace_id': p.trace_id, 'span_id': s.forest_span_id} AS topness
      FROM base.placements_as_of(seq) AS p
      JOIN base.sightings AS s
        ON s.source_seq = p.source_seq AND s.span_index = p.span_index
      LEFT JOIN base.spans AS o
        ON o.tenant = s.tenant AND o.trace_id = s.trace_id AND o.span_id = s.parent_span_id AND o.source_seq <= seq
      LEFT JOIN base.run_heirs_as_of(seq) AS h
        ON h.tenant = p.tenant AND h.run_id = p.run_id
      JOIN (  -- of the whole trace, as the poster counts
        SELECT tenant, trace_id, MAX(event_seq) AS last_seq
        FROM base.placements_as_of(seq)
        GROUP BY tenant, trace_id
      ) AS l
        ON l.tenant = p.tenant AND l.trace_id = p.trace_id
      WHERE p.run_id IS NOT NULL
    )
    GROUP BY tenant, run_id, trace_id
  )
  GROUP BY tenant, run_id
  HAVING BOOL_OR(is_listed)
) AS t
LEFT JOIN base.run_costs_as_of(seq) AS c
  ON c.tenant = t.tenant AND c.run_id = t.run_id;

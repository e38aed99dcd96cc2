-- Calls that a run made at least `least` times: `FROM repeated_calls(10)`; columns as in `loops`, where `least` is 3.
CREATE MACRO repeated_calls(least) AS TABLE
SELECT *
FROM (
  SELECT
    tenant,
    kind,
    LOWER(HEX(run_id)) AS run_id,
    agent_name,
    tool_name,
    model,
    known_by,
    COUNT(*) AS repeats,
    COUNT(*) FILTER (WHERE status = 'error') AS errors,
    MAKE_TIMESTAMP(MIN(began_ns) // 1000) AS first_at,
    MAKE_TIMESTAMP(MAX(began_ns) // 1000) AS last_at,
    MIN(began_ns) AS first_ns,
    MAX(began_ns) AS last_ns,
    SUM(cost_usd) AS cost_usd,
    SUM(cost_usd) FILTER (WHERE place > 1) AS cost_since_usd,
    COUNT(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unpriced_calls,
    ANY_VALUE(base.view_id(NULL, tenant, call_trace_id, call_span_id)) FILTER (WHERE place = 1) AS first_call_id
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY tenant, run_id, agent_name, kind, tool_name, model, known_by, input
        ORDER BY began_ns, source_seq, span_index
      ) AS place
    FROM base.compared_calls(least)
  )
  GROUP BY tenant, run_id, agent_name, kind, tool_name, model, known_by, input
)
WHERE repeats >= least;

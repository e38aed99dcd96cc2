-- One row per call, as known at event `seq`; columns as in `calls`.
--
-- "As known at" means: written by an event at or before `seq`, and not superseded by one at or before it. The cost is
-- that of the lines written so far, at the prices they were booked with.
CREATE MACRO calls_as_of(seq) AS TABLE
SELECT
  p.tenant,
  base.view_id(s.signal, p.tenant, COALESCE(p.call_trace_id, s.naming_trace_id), COALESCE(p.call_span_id, s.naming_span_id)) AS call_id,
  p.kind,
  s.signal,
  LOWER(HEX(COALESCE(h.heir_id, p.run_id))) AS run_id,
  CASE WHEN s.signal <> 'metric' THEN LOWER(HEX(s.trace_id)) END AS trace_id,
  LOWER(HEX(s.span_id)) AS span_id,
  p.agent_name,
  p.agent_rule,
  p.run_rule,
  s.service_name,
  s.environment,
  s.provider,
  s.request_model,
  s.response_model,
  COALESCE(c.model, m.model, s.response_model, s.request_model) AS model,
  s.service_tier,
  s.tool_name,
  s.tool_call_id,
  p.beneath_tool,
  p.user_id,
  p.team,
  s.credential,
  p.conversation_id,
  s.response_id,
  s.status,
  s.error_type,
  MAKE_TIMESTAMP(NULLIF(s.start_ns, 0) // 1000) AS started_at,
  MAKE_TIMESTAMP(NULLIF(s.end_ns, 0) // 1000) AS ended_at,
  s.start_ns AS started_ns,
  s.end_ns AS ended_ns,
  CASE WHEN s.start_ns > 0 AND s.end_ns >= s.start_ns THEN (s.end_ns - s.start_ns) / 1e6 END AS duration_ms,
  s.input_tokens,
  s.output_tokens,
  s.cache_read_tokens,
  s.cache_write_tokens,
  s.reasoning_tokens,
  s.input_basis,
  s.usage_status,
  COALESCE(c.cost_usd, m.cost_usd) AS cost_usd,
  COALESCE(c.computed_cost_usd, m.computed_cost_usd) AS computed_cost_usd,
  COALESCE(c.reported_cost_usd, m.reported_cost_usd, s.reported_cost_usd) AS reported_cost_usd,
  COALESCE(c.reported_source, m.reported_source, s.reported_source) AS reported_source,
  COALESCE(c.cost_status, m.cost_status, 'none') AS cost_status,
  1 + COALESCE(v.later, 0) AS views,
  p.event_seq,
  s.source_seq,
  s.span_index
FROM base.placements_as_of(seq) AS p
JOIN base.sightings AS s
  ON s.source_seq = p.source_seq AND s.span_index = p.span_index
LEFT JOIN (  -- views of calls but the earliest, which does not name the call
  SELECT tenant, COALESCE(call_trace_id, trace_id) AS call_trace_id, call_span_id, COUNT(*) AS later
  FROM base.placements_as_of(seq)
  WHERE call_span_id IS NOT NULL
  GROUP BY ALL
) AS v
  ON v.tenant = p.tenant AND v.call_trace_id = COALESCE(p.call_trace_id, s.naming_trace_id)
  AND v.call_span_id = COALESCE(p.call_span_id, s.naming_span_id)
LEFT JOIN base.call_costs_as_of(seq) AS c
  ON c.tenant = p.tenant AND c.run_id = p.run_id AND c.call_trace_id = COALESCE(p.call_trace_id, s.naming_trace_id)
  AND c.call_span_id = COALESCE(p.call_span_id, s.naming_span_id)
LEFT JOIN (  -- of metrics, which are of no run; apart, for an equal run prunes the files and NULL is equal to nothing
  FROM base.call_costs_as_of(seq)
  WHERE run_id IS NULL
) AS m
  ON m.tenant = p.tenant AND m.call_trace_id = COALESCE(p.call_trace_id, s.naming_trace_id)
  AND m.call_span_id = COALESCE(p.call_span_id, s.naming_span_id)
LEFT JOIN base.run_heirs_as_of(seq) AS h
  ON h.tenant = p.tenant AND h.run_id = p.run_id
WHERE p.billed;

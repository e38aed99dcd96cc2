-- Calls of runs that may have made one call `least` times (ledger/post/repeats.py counts), each with what it is compared
-- by. A call whose input nothing is known of is the same as no other.
CREATE MACRO base.compared_calls(least) AS TABLE
SELECT
  p.tenant,
  p.kind,
  COALESCE(h.heir_id, p.run_id) AS run_id,
  p.agent_name,
  CASE WHEN p.kind = 'tool' THEN s.tool_name END AS tool_name,
  CASE WHEN p.kind = 'model' THEN COALESCE(s.request_model, s.response_model) END AS model,
  CASE
    WHEN s.signal = 'settlement' THEN NULL
    WHEN s.input_digest IS NOT NULL THEN 'content'
    WHEN p.kind = 'model' AND s.input_tokens IS NOT NULL THEN 'tokens'
    WHEN p.kind = 'tool' OR s.status = 'error' THEN 'outcome'
  END AS known_by,
  CASE known_by
    WHEN 'content' THEN s.input_digest
    WHEN 'tokens' THEN s.input_tokens
    ELSE CAST(s.status = 'error' AS BIGINT)
  END AS input,
  s.status,
  COALESCE(NULLIF(s.start_ns, 0), NULLIF(s.end_ns, 0), s.received_ns) AS began_ns,
  s.source_seq,
  s.span_index,
  COALESCE(p.call_trace_id, s.naming_trace_id) AS call_trace_id,
  COALESCE(p.call_span_id, s.naming_span_id) AS call_span_id,
  c.cost_usd,
  c.cost_status
FROM base.placements_as_of(9223372036854775807) AS p
LEFT JOIN base.run_heirs_as_of(9223372036854775807) AS h
  ON h.tenant = p.tenant AND h.run_id = p.run_id
SEMI JOIN (  -- no HAVING: in one, DuckDB takes the argument of a macro for a column
  SELECT *
  FROM (
    SELECT tenant, COALESCE(heir_id, run_id) AS run_id, SUM(repeats) AS repeats
    FROM base.run_parts_now
    LEFT JOIN base.run_heirs_as_of(9223372036854775807) USING (tenant, run_id)
    GROUP BY tenant, COALESCE(heir_id, run_id)
  )
  WHERE repeats >= least
) AS suspects
  ON suspects.tenant = p.tenant AND suspects.run_id = COALESCE(h.heir_id, p.run_id)
JOIN base.sightings AS s
  ON s.source_seq = p.source_seq AND s.span_index = p.span_index
LEFT JOIN base.call_costs_as_of(9223372036854775807) AS c
  ON c.tenant = p.tenant AND c.run_id = p.run_id AND c.call_trace_id = COALESCE(p.call_trace_id, s.naming_trace_id)
  AND c.call_span_id = COALESCE(p.call_span_id, s.naming_span_id)
WHERE p.billed AND known_by IS NOT NULL;

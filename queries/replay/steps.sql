-- The steps of one run in event time: one row a span, in order of its start; money is that of the call that the span bills.
-- cost_so_far_usd is the known money of all steps up to and including this one: its last value is the run's cost_usd.
WITH steps AS (
    SELECT
        row_number() OVER (ORDER BY s.start_ns, s.end_ns DESC, s.trace_id, s.span_id) AS step,
        s.trace_id, s.span_id, s.parent_span_id, s.name, s.operation, s.start_ns, s.end_ns, s.duration_ms, s.status,
        s.error_type, s.service_name, s.agent_name, s.tool_name, coalesce(c.model, s.response_model, s.request_model) AS model,
        s.input_tokens, s.output_tokens, s.source_seq, s.span_index,
        c.call_id, c.cost_usd, c.cost_status
    FROM spans s
    LEFT JOIN calls c ON c.tenant = s.tenant AND c.trace_id = s.trace_id AND c.span_id = s.span_id AND c.run_id = s.run_id
    WHERE s.run_id = $run_id
)
SELECT *, CAST(sum(coalesce(cost_usd, 0)) OVER (ORDER BY step) AS DECIMAL(38, 12)) AS cost_so_far_usd
FROM steps
ORDER BY step

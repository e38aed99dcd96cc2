-- The steps of one run in event time: one row a span, and one a log record or settlement that bills a call, in order of
-- their start; money is that of the call that the step bills.
-- cost_so_far_usd is the known money of all steps up to and including this one: its last value is the run's cost_usd.
WITH seen AS (
    SELECT
        'span' AS signal, s.trace_id, s.span_id, s.parent_span_id, s.name, s.operation, s.start_ns, s.end_ns, s.duration_ms,
        s.status, s.error_type, s.service_name, s.agent_name, s.tool_name,
        coalesce(c.model, s.response_model, s.request_model) AS model,
        s.input_tokens, s.output_tokens, s.source_seq, s.span_index, c.call_id, c.cost_usd, c.cost_status
    FROM spans s
    LEFT JOIN calls c ON c.source_seq = s.source_seq AND c.span_index = s.span_index AND c.run_id = s.run_id
    WHERE s.run_id = $run_id
    UNION ALL
    SELECT
        c.signal, c.trace_id, NULL, c.span_id, l.event_name, l.operation, c.started_ns, c.ended_ns, c.duration_ms,
        c.status, c.error_type, c.service_name, c.agent_name, c.tool_name, c.model,
        c.input_tokens, c.output_tokens, c.source_seq, c.span_index, c.call_id, c.cost_usd, c.cost_status
    FROM calls c
    JOIN base.logs l ON l.source_seq = c.source_seq AND l.log_index = c.span_index
    WHERE c.run_id = $run_id AND c.signal = 'log'
    UNION ALL
    SELECT
        c.signal, c.trace_id, NULL, c.span_id, 'beyond the calls', 'chat', c.started_ns, c.ended_ns, c.duration_ms,
        c.status, c.error_type, c.service_name, c.agent_name, c.tool_name, c.model,
        c.input_tokens, c.output_tokens, c.source_seq, c.span_index, c.call_id, c.cost_usd, c.cost_status
    FROM calls c
    WHERE c.run_id = $run_id AND c.signal = 'settlement'
),
steps AS (
    SELECT row_number() OVER (ORDER BY start_ns, end_ns DESC, trace_id, span_id, source_seq, span_index) AS step, *
    FROM seen
)
SELECT *, CAST(sum(coalesce(cost_usd, 0)) OVER (ORDER BY step) AS DECIMAL(38, 12)) AS cost_so_far_usd
FROM steps
ORDER BY step

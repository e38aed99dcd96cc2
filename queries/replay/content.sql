-- One span of a run with everything it says, also in its logs, and what was decided about it.
SELECT
    s.trace_id, s.span_id, s.name, s.operation, s.span_kind, s.start_time, s.end_time, s.status, s.status_message, s.error_type,
    s.provider, s.request_model, s.response_model, s.response_id, s.tool_name, s.tool_call_id, s.agent_name, s.service_name,
    s.conversation_id, s.user_id, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens,
    s.reasoning_tokens, s.reported_cost_usd, coalesce(s.input, x.input) AS input, coalesce(s.output, x.output) AS output, s.attributes, s.resource, s.scope_name, s.dialect,
    s.received_at, s.source_seq, s.span_index,
    v.call_id AS view_of_call_id, v.billed, v.reason AS billed_reason
FROM spans s
LEFT JOIN call_views v ON v.source_seq = s.source_seq AND v.span_index = s.span_index
LEFT JOIN span_content x ON x.tenant = s.tenant AND x.trace_id = s.trace_id AND x.span_id = s.span_id
WHERE s.run_id = $run_id AND s.trace_id = $trace_id AND s.span_id = $span_id
LIMIT 1

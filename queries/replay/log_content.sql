-- One log record of a run with everything it says, and what was decided about it; columns as in content.sql.
SELECT
    l.trace_id, l.span_id, l.event_name AS name, l.operation, NULL AS span_kind, v.started_at AS start_time, v.ended_at AS end_time,
    l.status, NULL AS status_message, l.error_type,
    l.provider, l.request_model, l.response_model, l.response_id, l.tool_name, l.tool_call_id, v.agent_name, l.service_name,
    v.conversation_id, v.user_id, l.input_tokens, l.output_tokens, l.cache_read_tokens, l.cache_write_tokens,
    l.reasoning_tokens, l.reported_cost_usd, coalesce(l.input, l.body) AS input, l.output, l.attributes, l.resource, l.scope_name, l.dialect,
    l.received_at, l.source_seq, l.log_index AS span_index,
    v.call_id AS view_of_call_id, TRUE AS billed, w.reason AS billed_reason
FROM logs l
JOIN calls v ON v.source_seq = l.source_seq AND v.span_index = l.log_index
JOIN call_views w ON w.source_seq = l.source_seq AND w.span_index = l.log_index
WHERE v.run_id = $run_id AND l.source_seq = $source_seq AND l.log_index = $span_index

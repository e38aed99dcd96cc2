-- What a settlement found of a span of a run, with what was decided about it; columns as in content.sql.
SELECT
    r.trace_id, r.span_id, 'beyond the calls' AS name, r.operation, NULL AS span_kind, v.started_at AS start_time, v.ended_at AS end_time,
    v.status, NULL AS status_message, NULL AS error_type,
    r.provider, r.request_model, r.response_model, NULL AS response_id, NULL AS tool_name, NULL AS tool_call_id, v.agent_name, r.service_name,
    v.conversation_id, v.user_id, r.input_tokens, r.output_tokens, r.cache_read_tokens, r.cache_write_tokens,
    r.reasoning_tokens, NULL AS reported_cost_usd, NULL AS input, NULL AS output, NULL AS attributes, NULL AS resource,
    w.scope_name, w.dialect, NULL AS received_at, v.source_seq, v.span_index,
    v.call_id AS view_of_call_id, TRUE AS billed, w.reason AS billed_reason
FROM residuals r
JOIN calls v ON v.call_id = r.view_id
JOIN call_views w ON w.view_id = r.view_id
WHERE v.run_id = $run_id AND v.source_seq = $source_seq AND v.span_index = $span_index

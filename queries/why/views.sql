-- The spans of one call in the order of the journal, the asked one alone where it is no view; ids of the call are $call_id.
SELECT
    s.tenant, v.view_id, v.billed, v.reason, v.duplicate_of, s.trace_id, s.span_id, s.parent_span_id, s.name, s.operation,
    s.status, s.scope_name, s.dialect, s.mapping_version, s.source_seq, s.span_index, s.received_at,
    s.reported_cost_usd, b.reported_source
FROM spans s
JOIN base.spans b ON b.source_seq = s.source_seq AND b.span_index = s.span_index
LEFT JOIN call_views v ON v.source_seq = s.source_seq AND v.span_index = s.span_index
WHERE s.tenant = $tenant AND (v.call_id = $call_id OR (s.trace_id = $trace_id AND s.span_id = $span_id))
ORDER BY s.source_seq, s.span_index

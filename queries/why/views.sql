-- The views of one call in the order of the journal, the asked one alone where it is no view; the call is $call_id.
SELECT
    g.tenant, g.signal, v.view_id, v.billed, v.reason, v.duplicate_of, lower(hex(coalesce(g.trace_id, g.naming_trace_id))) AS trace_id,
    lower(hex(g.span_id)) AS span_id, lower(hex(g.parent_span_id)) AS parent_span_id, g.name, g.operation,
    g.status, g.scope_name, g.dialect, g.mapping_version, g.source_seq, g.span_index, make_timestamp(g.received_ns // 1000) AS received_at,
    g.reported_cost_usd, g.reported_source
FROM base.sightings g
LEFT JOIN call_views v ON v.source_seq = g.source_seq AND v.span_index = g.span_index
WHERE g.tenant = $tenant AND (v.call_id = $call_id OR (g.source_seq = $source_seq AND g.span_index = $span_index))
ORDER BY g.source_seq, g.span_index

-- The views of one call in the order of the journal, the asked one alone where it is no view; the call is $call_id. Where a
-- settlement is one, known_seq and known_index are the place of the span that knew of it.
SELECT
    g.tenant, g.signal, v.view_id, v.billed, v.reason, v.duplicate_of, lower(hex(coalesce(g.trace_id, g.naming_trace_id))) AS trace_id,
    lower(hex(g.span_id)) AS span_id, lower(hex(g.parent_span_id)) AS parent_span_id, g.name, g.operation,
    g.status, g.scope_name, coalesce(w.dialect, g.dialect) AS dialect, coalesce(w.mapping_version, g.mapping_version) AS mapping_version, g.source_seq, g.span_index, make_timestamp(g.received_ns // 1000) AS received_at,
    g.reported_cost_usd, g.reported_source, w.source_seq AS known_seq, w.span_index AS known_index
FROM base.sightings g
LEFT JOIN call_views v ON v.source_seq = g.source_seq AND v.span_index = g.span_index
LEFT JOIN base.residuals r ON g.signal = 'settlement' AND r.source_seq = g.source_seq AND r.residual_index = g.span_index
LEFT JOIN base.spans w ON w.source_seq = r.span_seq AND w.span_index = r.span_index
WHERE g.tenant = $tenant AND (v.call_id = $call_id OR (g.source_seq = $source_seq AND g.span_index = $span_index))
ORDER BY g.source_seq, g.span_index

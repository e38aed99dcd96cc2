-- The span itself and those above it, nearest first, with what each says of itself.
WITH RECURSIVE above AS (
    SELECT 0 AS level, tenant, trace_id, span_id
    FROM base.spans
    WHERE tenant = $tenant AND trace_id = from_hex($trace_id) AND span_id = from_hex($span_id)
    UNION ALL
    SELECT a.level + 1, s.tenant, s.trace_id, s.parent_span_id
    FROM above a
    JOIN base.spans s ON s.tenant = a.tenant AND s.trace_id = a.trace_id AND s.span_id = a.span_id
    WHERE s.parent_span_id IS NOT NULL AND a.level < $levels_max
)
SELECT DISTINCT ON (s.span_id)
    a.level, lower(hex(s.trace_id)) AS trace_id, lower(hex(s.span_id)) AS span_id, s.name, s.operation,
    s.agent_name AS agent, s.run_key AS run, s.conversation_id AS conversation, s.user_id AS user, s.team
FROM above a
JOIN base.spans s ON s.tenant = a.tenant AND s.trace_id = a.trace_id AND s.span_id = a.span_id
ORDER BY s.span_id, a.level

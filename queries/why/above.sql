-- The view itself and the spans above it, nearest first, with what each says of itself.
WITH RECURSIVE above AS (
    SELECT 0 AS level, tenant, trace_id, parent_span_id, source_seq, span_index
    FROM base.sightings
    WHERE source_seq = $source_seq AND span_index = $span_index
    UNION ALL
    SELECT a.level + 1, s.tenant, s.trace_id, s.parent_span_id, s.source_seq, s.span_index
    FROM above a
    JOIN base.spans s ON s.tenant = a.tenant AND s.trace_id = a.trace_id AND s.span_id = a.parent_span_id
    WHERE a.level < $levels_max
)
SELECT DISTINCT ON (g.source_seq, g.span_index)
    a.level, lower(hex(g.trace_id)) AS trace_id, CASE g.signal WHEN 'span' THEN lower(hex(g.span_id)) END AS span_id, g.name, g.operation,
    g.agent_name AS agent, g.run_key AS run, g.turn_id AS turn, g.conversation_id AS conversation, g.user_id AS user, g.team
FROM above a
JOIN base.sightings g ON g.source_seq = a.source_seq AND g.span_index = a.span_index
ORDER BY g.source_seq, g.span_index, a.level

-- Where the view belongs, as known now, and by which rules.
SELECT
    lower(hex(coalesce(h.heir_id, p.run_id))) AS run, p.run_rule, p.agent_name AS agent, p.agent_rule, p.conversation_id AS conversation,
    p.user_id AS user, p.team, p.event_seq
FROM base.placements_as_of(9223372036854775807) p
LEFT JOIN base.run_heirs_as_of(9223372036854775807) h ON h.tenant = p.tenant AND h.run_id = p.run_id
WHERE p.source_seq = $source_seq AND p.span_index = $span_index

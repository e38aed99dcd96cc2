-- Where the span belongs, as known now, and by which rules.
SELECT
    lower(hex(p.run_id)) AS run, p.run_rule, p.agent_name AS agent, p.agent_rule, p.conversation_id AS conversation,
    p.user_id AS user, p.team, p.event_seq
FROM base.placements_as_of(9223372036854775807) p
JOIN base.spans s ON s.source_seq = p.source_seq AND s.span_index = p.span_index
WHERE s.tenant = $tenant AND s.trace_id = from_hex($trace_id) AND s.span_id = from_hex($span_id)

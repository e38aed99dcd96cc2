-- Lines written at or before event `seq`, with what the files leave out because another column has it, and which of them
-- stand: no reversals, and none that is reversed. The sum of those that stand is that of all lines; only they say what
-- is known of a call now. A line is known by its call (trace and span of its earliest view), event and number.
CREATE MACRO base.charges_as_of(seq) AS TABLE
SELECT
  c.* REPLACE (
    COALESCE(c.call_span_id, c.span_id) AS call_span_id,
    COALESCE(c.list_cost_usd, c.cost_usd) AS list_cost_usd,
    COALESCE(c.accounting_ns, c.charged_ns) AS accounting_ns
  ),
  c.entry <> 'reversal' AND r.reverses_seq IS NULL AS stands
FROM base.charges AS c
LEFT JOIN (
  SELECT DISTINCT tenant, trace_id, COALESCE(call_span_id, span_id) AS call_span_id, reverses_seq, reverses_line
  FROM base.charges
  WHERE entry = 'reversal' AND event_seq <= seq
) AS r
  ON r.tenant = c.tenant AND r.trace_id = c.trace_id AND r.call_span_id = COALESCE(c.call_span_id, c.span_id)
  AND r.reverses_seq = c.event_seq AND r.reverses_line = c.line
WHERE c.event_seq <= seq;

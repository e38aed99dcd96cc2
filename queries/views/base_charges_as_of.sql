-- Lines written at or before event `seq`, and which of them stand: no reversals, and none that is reversed. The sum of
-- those that stand is that of all lines; only they say what is known of a call now.
CREATE MACRO base.charges_as_of(seq) AS TABLE
SELECT
  c.*,
  c.entry <> 'reversal' AND r.reverses_seq IS NULL AS stands
FROM base.lines_as_of(seq) AS c
LEFT JOIN (
  SELECT DISTINCT tenant, call_trace_id, call_span_id, reverses_seq, reverses_line
  FROM base.lines_as_of(seq)
  WHERE entry = 'reversal'
) AS r
  ON r.tenant = c.tenant AND r.call_trace_id = c.call_trace_id AND r.call_span_id = c.call_span_id
  AND r.reverses_seq = c.event_seq AND r.reverses_line = c.line;

-- Charges written at or before event `seq`, with what the files leave out because it follows from other columns. A line
-- is known by its call (trace and span of its earliest view), event and number.
CREATE MACRO base.lines_as_of(seq) AS TABLE
SELECT
  * EXCLUDE (booked_quantity, booked_list_cost_usd, booked_cost_usd) REPLACE (
    COALESCE(call_trace_id, trace_id) AS call_trace_id,
    COALESCE(call_span_id, span_id) AS call_span_id,
    COALESCE(accounting_ns, charged_ns) AS accounting_ns
  ),
  CAST(
    CASE WHEN entry = 'reversal' THEN -booked_quantity ELSE booked_quantity END
    * CASE WHEN unit = 'tool_seconds' THEN 0.000000001 ELSE 1.000000000 END AS DECIMAL(23, 9)
  ) AS quantity,  -- seconds are kept as nanoseconds
  CASE WHEN entry = 'reversal' THEN -booked_cost_usd ELSE booked_cost_usd END AS cost_usd,
  CASE
    WHEN booked_list_cost_usd IS NULL THEN cost_usd
    WHEN entry = 'reversal' THEN -booked_list_cost_usd
    ELSE booked_list_cost_usd
  END AS list_cost_usd
FROM base.charges
WHERE event_seq <= seq;

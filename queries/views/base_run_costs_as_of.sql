-- What is booked on each run as known at event `seq`, and how many of its calls have a line of unknown cost.
CREATE MACRO base.run_costs_as_of(seq) AS TABLE
SELECT
  tenant,
  COALESCE(heir_id, run_id) AS run_id,
  SUM(cost_usd) FILTER (WHERE stands) AS cost_usd,  -- the same sum, and NULL where nothing that stands is known
  COUNT(DISTINCT call_trace_id || call_span_id) FILTER (WHERE stands AND status <> 'priced') AS unpriced_calls
FROM base.charges_as_of(seq)
LEFT JOIN base.run_heirs_as_of(seq) USING (tenant, run_id)
GROUP BY tenant, COALESCE(heir_id, run_id);

-- What each call costs as known at event `seq`. A call of which no line has a cost has cost NULL; a call without lines
-- is not here. Lines that stand are booked on the run the call is in, so the run is a key too: it prunes the files.
CREATE MACRO base.call_costs_as_of(seq) AS TABLE
SELECT
  tenant,
  run_id,
  call_trace_id,
  call_span_id,
  SUM(cost_usd) AS cost_usd,
  SUM(cost_usd) FILTER (WHERE basis IN ('computed', 'residual')) AS computed_cost_usd,
  CASE WHEN BOOL_OR(basis = 'reported') THEN SUM(cost_usd) END AS reported_cost_usd,
  MAX(reason[11:]) FILTER (WHERE basis = 'reported') AS reported_source,  -- after `reported: `
  MAX(model) AS model,
  CASE
    WHEN BOOL_OR(status = 'ambiguous') THEN 'ambiguous'
    WHEN BOOL_OR(status = 'unpriced') THEN 'unpriced'
    ELSE 'priced'
  END AS cost_status
FROM base.charges_as_of(seq)
WHERE stands
GROUP BY tenant, run_id, call_trace_id, call_span_id;

-- Every charge written by an event at or before `seq`; columns as in `charges`.
CREATE MACRO charges_as_of(seq) AS TABLE
SELECT
  tenant,
  base.charge_id(base.view_id(tenant, trace_id, COALESCE(call_span_id, span_id)), unit, event_seq, line) AS charge_id,
  base.view_id(tenant, trace_id, COALESCE(call_span_id, span_id)) AS call_id,
  LOWER(HEX(run_id)) AS run_id,
  LOWER(HEX(trace_id)) AS trace_id,
  LOWER(HEX(span_id)) AS span_id,
  agent_name,
  service_name,
  environment,
  provider,
  model,
  tool_name,
  user_id,
  team,
  unit,
  quantity,
  unit_price_usd,
  per,
  COALESCE(list_cost_usd, cost_usd) AS list_cost_usd,
  cost_usd,
  basis,
  entry,
  base.charge_id(
    base.view_id(tenant, trace_id, COALESCE(call_span_id, span_id)), unit, reverses_seq, reverses_line
  ) AS reverses,
  reason,
  status,
  price_book_id,
  price_id,
  MAKE_TIMESTAMP(charged_ns // 1000) AS charged_at,
  MAKE_TIMESTAMP(COALESCE(accounting_ns, charged_ns) // 1000) AS accounting_at,
  MAKE_TIMESTAMP(recorded_ns // 1000) AS recorded_at,
  charged_ns,
  COALESCE(accounting_ns, charged_ns) AS accounting_ns,
  recorded_ns,
  event_seq
FROM base.charges
WHERE event_seq <= seq;

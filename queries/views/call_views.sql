-- One row per view, as known now: one sighting of a call. Exactly one view of a call bills; each says why or why not.
--
-- @tenant: tenant
-- @view_id: id of the view, hex
-- @call_id: call that the view belongs to, hex
-- @signal: where the view comes from: span, log, metric or settlement
-- @trace_id: trace of the view, hex; NULL for a log record without one and for metrics
-- @span_id: span of the view, hex; of a log record the span it was written for, NULL where it names none; of a settlement the span that knew of it; NULL for metrics
-- @scope_name: instrumentation scope
-- @name: name of the span, or of the event that the log record is; of metrics `reading of metrics`
-- @dialect: semantic convention the view was read in
-- @billed: whether this view bills
-- @reason: why it bills or not
-- @duplicate_of: view that bills instead, hex; NULL where this one bills
-- @input_tokens: tokens in by this view, inclusive of cache
-- @output_tokens: tokens out by this view, inclusive of reasoning
-- @cache_read_tokens: tokens read from the prompt cache, by this view
-- @cache_write_tokens: tokens written to the prompt cache, by this view
-- @reasoning_tokens: of the tokens out, reasoning, by this view
-- @reported_cost_usd: cost that this view states, USD
-- @source_seq: event whose bytes hold the view
-- @span_index: position of the span or log record within that event, of metrics that of the first data point; among what the settlement found
CREATE VIEW call_views AS
SELECT
  p.tenant,
  base.view_id(s.signal, p.tenant, s.naming_trace_id, s.naming_span_id) AS view_id,
  base.view_id(s.signal, p.tenant, COALESCE(p.call_trace_id, s.naming_trace_id), COALESCE(p.call_span_id, s.naming_span_id)) AS call_id,
  s.signal,
  CASE WHEN s.signal <> 'metric' THEN LOWER(HEX(s.trace_id)) END AS trace_id,
  LOWER(HEX(s.span_id)) AS span_id,
  s.scope_name,
  s.name,
  s.dialect,
  p.billed,
  p.reason,
  base.view_id(s.signal, p.tenant, COALESCE(p.duplicate_of_trace_id, s.naming_trace_id), p.duplicate_of_span_id) AS duplicate_of,
  s.input_tokens,
  s.output_tokens,
  s.cache_read_tokens,
  s.cache_write_tokens,
  s.reasoning_tokens,
  s.reported_cost_usd,
  s.source_seq,
  s.span_index
FROM base.placements_as_of(9223372036854775807) AS p
JOIN base.sightings AS s
  ON s.source_seq = p.source_seq AND s.span_index = p.span_index
WHERE p.kind IS NOT NULL;

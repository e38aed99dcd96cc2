-- One row per span of an agent or a workflow that knew of more tokens than the calls below it report, when its run was
-- settled. It bills as a call (`calls.signal` is `settlement`, `charges.basis` is `residual`) until more comes of its trace.
--
-- @tenant: tenant
-- @view_id: id of the view that it is, hex
-- @trace_id: trace of the span, hex
-- @span_id: the span, hex
-- @service_name: service of the span
-- @environment: its deployment environment; empty where absent
-- @operation: chat: what is not told apart is taken for conversation
-- @provider: model provider that the span names, canonical name
-- @request_model: model asked for, as the span names it
-- @response_model: model that answered, as the span names it
-- @service_tier: tier or processing mode that changes the price
-- @input_tokens: tokens in, inclusive of cache, beyond those of the calls below the span
-- @output_tokens: tokens out, inclusive of reasoning, beyond theirs
-- @cache_read_tokens: of the tokens in, read from the prompt cache
-- @cache_write_tokens: of the tokens in, written to the prompt cache
-- @reasoning_tokens: of the tokens out, reasoning
-- @start_ns: start of the span, ns since 1970 UTC; 0 if not sent
-- @end_ns: end of the span, ns since 1970 UTC; 0 if not sent
-- @span_seq: event whose bytes hold the span
-- @span_index: position of the span within that event
-- @event_seq: event that settled it
CREATE VIEW residuals AS
SELECT
  tenant,
  base.view_id('settlement', tenant, content_hash, '\x00\x00\x00\x00\x00\x00\x00\x00'::BLOB) AS view_id,
  LOWER(HEX(trace_id)) AS trace_id,
  LOWER(HEX(parent_span_id)) AS span_id,
  service_name,
  environment,
  operation,
  provider,
  request_model,
  response_model,
  service_tier,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  start_ns,
  end_ns,
  span_seq,
  span_index,
  source_seq AS event_seq
FROM base.residuals;

-- One row per reading of metrics: what the data points of one conversation, model and moment come to by an event that
-- brought some. The last of them bills (`calls.signal` is `metric`), where neither spans nor log records tell of the calls.
--
-- @tenant: tenant of the key the data points came in under
-- @view_id: id of the view that it is, hex
-- @service_name: service
-- @environment: deployment environment; empty where absent
-- @conversation_id: conversation or session that the points name
-- @instance_id: instance of the service, where they name no conversation; NULL if none
-- @user_id: end user that the points name
-- @team: team that the points or their resource name
-- @operation: what was done: chat, embeddings, ...
-- @provider: model provider, canonical name
-- @request_model: model asked for
-- @response_model: model that answered
-- @service_tier: tier or processing mode that changes the price
-- @input_tokens: tokens in, inclusive of cache reads and writes
-- @output_tokens: tokens out, inclusive of reasoning
-- @cache_read_tokens: tokens read from the prompt cache
-- @cache_write_tokens: tokens written to the prompt cache, all lifetimes
-- @reasoning_tokens: of the tokens out, reasoning
-- @usage_status: reported or missing
-- @reported_cost_usd: cost that the points state, USD
-- @reported_source: metric that states it
-- @metered: what the points add up to, by metric and meter: JSON, numbers as text
-- @start_time: start of what they cover, UTC, microseconds; NULL if not sent
-- @end_time: end of it, UTC, microseconds; NULL if not sent
-- @start_ns: start of what they cover, ns since 1970 UTC; 0 if not sent
-- @end_ns: end of it, ns since 1970 UTC; 0 if not sent
-- @scope_name: instrumentation scope of the first data point
-- @received_at: receipt by this server's clock, UTC, microseconds
-- @received_ns: receipt by this server's clock, ns since 1970 UTC
-- @source_seq: event that added data points
-- @point_index: position of the first of them within that event
CREATE VIEW readings AS
SELECT
  tenant,
  base.view_id('metric', tenant, content_hash, '\x00\x00\x00\x00\x00\x00\x00\x00'::BLOB) AS view_id,
  service_name,
  environment,
  conversation_id,
  instance_id,
  user_id,
  team,
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
  usage_status,
  reported_cost_usd,
  reported_source,
  metered,
  MAKE_TIMESTAMP(NULLIF(start_ns, 0) // 1000) AS start_time,
  MAKE_TIMESTAMP(NULLIF(end_ns, 0) // 1000) AS end_time,
  start_ns,
  end_ns,
  scope_name,
  MAKE_TIMESTAMP(received_ns // 1000) AS received_at,
  received_ns,
  source_seq,
  point_index
FROM base.readings;

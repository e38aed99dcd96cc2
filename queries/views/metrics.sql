-- One row per data point of a metric, each once, as received. Those with a `meter` bill where neither spans nor
-- log records tell of the calls that they count; `readings` says what they come to.
--
-- @tenant: tenant of the key the data point came in under
-- @service_name: resource attribute service.name; `unknown_service` where absent
-- @environment: deployment environment; empty where absent
-- @name: name of the metric
-- @unit: its unit, in the manner of UCUM; empty if not sent
-- @kind: gauge, sum, histogram, exponential_histogram or summary
-- @temporality: delta or cumulative; NULL where the kind has none
-- @is_monotonic: of a sum, whether it only grows
-- @start_time: start of what the point covers, UTC, microseconds; NULL if not sent
-- @time: end of it, or when it was measured, UTC, microseconds; NULL if not sent
-- @start_ns: start of what the point covers, ns since 1970 UTC; 0 if not sent
-- @time_ns: end of it, or when it was measured, ns since 1970 UTC; 0 if not sent
-- @value: of a gauge or sum, the value in `unit`; NULL for the others
-- @value_int: the same exactly, where it was sent as an integer
-- @count: of histograms and summaries, how many were measured
-- @sum: of these, the sum in `unit`; NULL if not sent
-- @min: of these, the least, in `unit`; NULL if not sent
-- @max: of these, the greatest, in `unit`; NULL if not sent
-- @bounds: where counts are cut, JSON: upper bounds; quantiles of a summary; scale and offsets if exponential
-- @counts: JSON: counts of the buckets; values of the quantiles of a summary
-- @conversation_id: conversation or session that the point names
-- @attributes: attributes of the point that no column holds letter for letter, as text
-- @resource: resource attributes as text
-- @scope_name: instrumentation scope
-- @content_hash: identity: hash of the decoded content, hex
-- @received_at: receipt by this server's clock, UTC, microseconds
-- @received_ns: receipt by this server's clock, ns since 1970 UTC
-- @source_seq: event whose bytes hold the data point
-- @point_index: position of the data point within that event
-- @meter: of a metric that may bill, what the point counts: tokens of a kind, or cost_usd; NULL for every other
-- @operation: what was done: chat, embeddings, ...; other where nothing says it
-- @provider: model provider, canonical name
-- @request_model: model asked for
-- @response_model: model that answered
-- @service_tier: tier or processing mode that changes the price
-- @user_id: end user that the point or its resource names
-- @team: team that it or its resource names
CREATE VIEW metrics AS
SELECT
  tenant,
  service_name,
  environment,
  name,
  unit,
  kind,
  temporality,
  is_monotonic,
  MAKE_TIMESTAMP(NULLIF(start_ns, 0) // 1000) AS start_time,
  MAKE_TIMESTAMP(NULLIF(time_ns, 0) // 1000) AS time,
  start_ns,
  time_ns,
  value,
  value_int,
  count,
  sum,
  min,
  max,
  bounds,
  counts,
  conversation_id,
  attributes,
  resource,
  scope_name,
  LOWER(HEX(content_hash)) AS content_hash,
  MAKE_TIMESTAMP(received_ns // 1000) AS received_at,
  received_ns,
  source_seq,
  point_index,
  meter,
  operation,
  provider,
  request_model,
  response_model,
  service_tier,
  user_id,
  team
FROM base.metrics;

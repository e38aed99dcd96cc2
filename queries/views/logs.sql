-- One row per log record, each once, as known now.
--
-- What the log itself says. A log of a call has its tokens and cost here; what is booked is in `charges` alone.
--
-- @tenant: tenant of the key the log record came in under
-- @trace_id: OTLP trace id, hex; NULL where absent, zero or none
-- @span_id: OTLP span id, hex; NULL where absent, zero or none
-- @time: when it happened, UTC, microseconds; where not sent, when it was observed; NULL if neither
-- @time_ns: when it happened, ns since 1970 UTC; where not sent, when it was observed; 0 if neither
-- @observed_ns: when it was observed, ns since 1970 UTC; 0 if not sent
-- @severity: the sender's word, else the standard's; NULL if not sent
-- @severity_number: OTLP severity number, 1 to 24; NULL if not sent
-- @event_name: name of the event, else attribute event.name; empty if not sent
-- @body: body as text, structured ones as JSON; NULL where `input` or `output` holds it, or if not sent
-- @operation: what it reports: chat, tool, ..., other where it reports no call
-- @status: unset or error
-- @error_type: class of the error, where given
-- @service_name: resource attribute service.name; `unknown_service` where absent
-- @environment: deployment environment; empty where absent
-- @agent_name: agent that it names; NULL if none
-- @provider: model provider, canonical name
-- @request_model: model asked for
-- @response_model: model that answered
-- @response_id: the provider's id of the response, or of the request where that is what spans carry
-- @tool_name: tool
-- @tool_call_id: the model's id of the tool call
-- @conversation_id: conversation or session that it names
-- @user_id: end user that it names
-- @team: team that it or its resource names
-- @credential: alias or hash of the key used, never a key
-- @input_tokens: tokens in, inclusive of cache reads and writes
-- @output_tokens: tokens out, inclusive of reasoning
-- @cache_read_tokens: tokens read from the prompt cache
-- @cache_write_tokens: tokens written to the prompt cache, all lifetimes
-- @reasoning_tokens: of the tokens out, reasoning
-- @input_basis: how tokens in were reported: inclusive, exclusive or guessed
-- @usage_status: reported, missing, failed or not_applicable
-- @reported_cost_usd: cost that the log itself states, USD
-- @reported_source: attribute the reported cost came from
-- @duration_ms: how long the call took that it reports, milliseconds; NULL if not sent
-- @input: prompt, messages or tool arguments
-- @output: completion, messages or tool result
-- @attributes: all attributes that no column holds letter for letter, as text
-- @resource: resource attributes as text
-- @scope_name: instrumentation scope
-- @dialect: semantic convention it was read in
-- @mapping_version: version of the mapping that read it
-- @content_hash: identity: hash of the decoded content, hex
-- @received_at: receipt by this server's clock, UTC, microseconds
-- @received_ns: receipt by this server's clock, ns since 1970 UTC
-- @source_seq: event whose bytes hold the log record
-- @log_index: position of the log record within that event
CREATE VIEW logs AS
SELECT
  tenant,
  LOWER(HEX(trace_id)) AS trace_id,
  LOWER(HEX(span_id)) AS span_id,
  MAKE_TIMESTAMP(NULLIF(time_ns, 0) // 1000) AS time,
  time_ns,
  observed_ns,
  severity,
  severity_number,
  event_name,
  body,
  operation,
  status,
  error_type,
  service_name,
  environment,
  agent_name,
  provider,
  request_model,
  response_model,
  response_id,
  tool_name,
  tool_call_id,
  conversation_id,
  user_id,
  team,
  credential,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  input_basis,
  usage_status,
  reported_cost_usd,
  reported_source,
  duration_ns / 1e6 AS duration_ms,
  input,
  output,
  attributes,
  resource,
  scope_name,
  dialect,
  mapping_version,
  LOWER(HEX(content_hash)) AS content_hash,
  MAKE_TIMESTAMP(received_ns // 1000) AS received_at,
  received_ns,
  source_seq,
  log_index
FROM base.logs;

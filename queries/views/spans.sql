-- One row per span, as known now.
--
-- What the span itself says, and beside it what was decided about it so far: run, agent, conversation, user and team
-- come from its current placement, so they may change when a parent arrives late.
--
-- @tenant: tenant of the key the span came in under
-- @trace_id: OTLP trace id, hex
-- @span_id: OTLP span id, hex
-- @parent_span_id: OTLP parent span id, hex; NULL for a root
-- @name: span name; empty if not sent
-- @span_kind: internal, server, client, producer or consumer
-- @operation: what the span did: chat, embeddings, tool, agent, workflow, chain, ..., other
-- @start_time: start by the sender's clock, UTC, microseconds; NULL if not sent
-- @end_time: end by the sender's clock, UTC, microseconds; NULL if not sent
-- @start_ns: start by the sender's clock, ns since 1970 UTC; 0 if not sent, at most 2^63 - 1 (the year 2262)
-- @end_ns: end by the sender's clock, ns since 1970 UTC; 0 if not sent, at most 2^63 - 1
-- @duration_ms: end - start, milliseconds; NULL if one of them was not sent or the end is before the start
-- @status: unset, ok or error
-- @status_message: the sender's words on the status
-- @error_type: class of the error, where given
-- @service_name: resource attribute service.name; `unknown_service` where absent
-- @environment: deployment environment; empty where absent
-- @agent_name: nearest agent at or above the span, else the service
-- @provider: model provider, canonical name
-- @request_model: model asked for
-- @response_model: model that answered
-- @response_id: the provider's id of the response
-- @tool_name: tool that ran
-- @tool_call_id: the model's id of the tool call
-- @run_id: run the span belongs to, hex; NULL where it only defines an agent
-- @conversation_id: own or inherited conversation
-- @user_id: own or inherited user
-- @team: own or inherited team
-- @credential: alias or hash of the key used, never a key
-- @input_tokens: tokens in, inclusive of cache reads and writes
-- @output_tokens: tokens out, inclusive of reasoning
-- @cache_read_tokens: tokens read from the prompt cache
-- @cache_write_tokens: tokens written to the prompt cache, all lifetimes
-- @reasoning_tokens: of the tokens out, reasoning
-- @reported_cost_usd: cost that the telemetry itself states, USD; booked only where charges say so
-- @input: prompt, messages or tool arguments
-- @output: completion, messages or tool result
-- @attributes: all other attributes as text; arrays and maps as JSON; what a column here holds letter for letter is left out
-- @resource: resource attributes as text
-- @scope_name: instrumentation scope
-- @dialect: semantic convention the span was read in
-- @mapping_version: version of the mapping that read it
-- @received_at: receipt by this server's clock, UTC, microseconds
-- @received_ns: receipt by this server's clock, ns since 1970 UTC
-- @source_seq: event whose bytes hold the span
-- @span_index: position of the span within that event
CREATE VIEW spans AS
SELECT
  s.tenant,
  LOWER(HEX(s.trace_id)) AS trace_id,
  LOWER(HEX(s.span_id)) AS span_id,
  LOWER(HEX(s.parent_span_id)) AS parent_span_id,
  s.name,
  s.span_kind,
  s.operation,
  MAKE_TIMESTAMP(NULLIF(s.start_ns, 0) // 1000) AS start_time,
  MAKE_TIMESTAMP(NULLIF(s.end_ns, 0) // 1000) AS end_time,
  s.start_ns,
  s.end_ns,
  CASE WHEN s.start_ns > 0 AND s.end_ns >= s.start_ns THEN (s.end_ns - s.start_ns) / 1e6 END AS duration_ms,
  s.status,
  s.status_message,
  s.error_type,
  s.service_name,
  s.environment,
  COALESCE(p.agent_name, s.agent_name) AS agent_name,
  s.provider,
  s.request_model,
  s.response_model,
  s.response_id,
  s.tool_name,
  s.tool_call_id,
  LOWER(HEX(COALESCE(h.heir_id, p.run_id))) AS run_id,
  COALESCE(p.conversation_id, s.conversation_id) AS conversation_id,
  COALESCE(p.user_id, s.user_id) AS user_id,
  COALESCE(p.team, s.team) AS team,
  s.credential,
  s.input_tokens,
  s.output_tokens,
  s.cache_read_tokens,
  s.cache_write_tokens,
  s.reasoning_tokens,
  s.reported_cost_usd,
  s.input,
  s.output,
  s.attributes,
  s.resource,
  s.scope_name,
  s.dialect,
  s.mapping_version,
  MAKE_TIMESTAMP(s.received_ns // 1000) AS received_at,
  s.received_ns,
  s.source_seq,
  s.span_index
FROM base.spans AS s
LEFT JOIN base.placements_as_of(9223372036854775807) AS p
  ON p.source_seq = s.source_seq AND p.span_index = s.span_index
LEFT JOIN base.run_heirs_as_of(9223372036854775807) AS h
  ON h.tenant = p.tenant AND h.run_id = p.run_id;

-- What vendors changed: per agent and day the models that answered where another was asked for, and the days on which a
-- model, or a version of it, answered an agent for the first time.
--
-- `served = 'other'` is a model that nobody asked for, as where a gateway falls back; `is_new AND model_before IS NOT NULL`
-- another version than the one that answered until then. All calls are gone through.
--
-- @tenant: tenant
-- @day: day on which the calls began, UTC; NULL if no time was sent
-- @environment: environment; empty where unknown
-- @service_name: service
-- @agent_name: agent
-- @provider: model provider, canonical name
-- @request_model: model asked for; NULL if not said
-- @response_model: model that answered
-- @served: same, version (what was asked for, with a date or number) or other; NULL if it is not said what was asked
-- @is_new: whether it answered this agent on this day for the first time
-- @model_before: model that answered the same agent and request before the first of these calls; NULL if none did
-- @first_call_id: first of the calls, hex
-- @first_at: start of the first, UTC, microseconds; NULL if no time was sent
-- @calls: calls
-- @cost_usd: cost of the calls, USD; NULL where none is known
-- @unpriced_calls: calls with a line of unknown cost, which cost_usd leaves out
CREATE VIEW model_changes AS
WITH
answered AS (
  SELECT
    *,
    COALESCE(started_at, ended_at) AS began_at,
    {'ns': COALESCE(NULLIF(started_ns, 0), ended_ns), 'seq': source_seq, 'index': span_index} AS place
  FROM calls
  WHERE kind = 'model' AND response_model IS NOT NULL
),
ordered AS (
  SELECT
    *,
    LAG(response_model) OVER (
      PARTITION BY tenant, environment, service_name, agent_name, request_model ORDER BY place
    ) AS model_before,
    ROW_NUMBER() OVER (
      PARTITION BY tenant, environment, service_name, agent_name, response_model ORDER BY place
    ) = 1 AS is_new
  FROM answered
)
SELECT
  tenant,
  CAST(began_at AS DATE) AS day,
  environment,
  service_name,
  agent_name,
  provider,
  request_model,
  response_model,
  base.model_served(request_model, response_model) AS served,
  BOOL_OR(is_new) AS is_new,
  ARG_MIN_NULL(model_before, place) AS model_before,
  ARG_MIN(call_id, place) AS first_call_id,
  MIN(began_at) AS first_at,
  COUNT(*) AS calls,
  SUM(cost_usd) AS cost_usd,
  COUNT(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unpriced_calls
FROM ordered
GROUP BY ALL
HAVING served IN ('version', 'other') OR BOOL_OR(is_new);

-- One row per attribute or metric that states costs, with the policy by which they count for calls that arrive now.
--
-- `computed`: the computed cost counts, and what is stated only where no unit of the call has a price. `reported`: what is
-- stated counts, if it is above 0. `max`: the greater of the two, where both are known. `never`: it is no amount in USD.
-- The last row, `*`, is for every source that is not listed.
--
-- @tenant: tenant; NULL, as a policy is for all of them
-- @source: attribute or metric that states the cost, as `reported_source` of calls has it
-- @policy: computed, reported, max or never
-- @default_policy: the policy where nobody chose one
-- @is_chosen: whether somebody chose it, even if it is the default's
-- @reason: why it was chosen
-- @author: who chose it
-- @chosen_at: receipt of the event, UTC, microseconds
-- @chosen_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that chose it
CREATE VIEW cost_sources AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  source,
  COALESCE(c.policy, d.policy, 'computed') AS policy,
  COALESCE(d.policy, 'computed') AS default_policy,
  c.policy IS NOT NULL AS is_chosen,
  c.reason,
  c.author,
  MAKE_TIMESTAMP(c.recorded_ns // 1000) AS chosen_at,
  c.recorded_ns AS chosen_ns,
  c.event_seq
FROM (VALUES
  ('gen_ai.usage.cost', 'reported'),
  ('gen_ai.usage.cost.amount', 'reported'),
  ('gen_ai.usage.cost_usd', 'reported'),
  ('gen_ai.usage.total_cost', 'reported'),
  ('gen_ai.cost.total_cost', 'reported'),
  ('litellm.cost.total', 'reported'),
  ('cost_usd', 'reported'),
  ('cost_usd_micros', 'reported'),
  ('claude_code.cost.usage', 'reported'),
  ('opencode.llm.cost.total', 'reported'),
  ('langfuse.observation.cost_details', 'reported'),
  ('operation.cost', 'computed'),
  ('llm.cost.total', 'computed'),
  ('llm.usage.cost', 'computed'),
  ('gen_ai.cost.total_tokens', 'computed'),
  ('github.copilot.nano_aiu', 'never'),
  ('*', 'computed')
) AS d (source, policy)
FULL JOIN (
  SELECT * FROM base.cost_sources
  QUALIFY event_seq = MAX(event_seq) OVER (PARTITION BY source) AND policy IS NOT NULL
) AS c USING (source);

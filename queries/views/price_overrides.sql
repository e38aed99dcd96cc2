-- One row per price override each time it was set or removed. A rule is in force from the event that set it until one that
-- removes it or sets it anew.
--
-- @tenant: tenant; NULL, as an override is for all of them
-- @override_id: id of the rule
-- @action: set or removed
-- @in_force: whether it prices what arrives now and starts within its validity
-- @provider: provider that it is for; NULL: any
-- @model: model that it is for, `*` for any characters; NULL: any
-- @unit: unit that it is for; NULL: any unit of a model
-- @multiply: factor of the list price; NULL where it sets a price
-- @price_usd: price of `per` units, USD; NULL where it multiplies or has tiers
-- @per: units that prices are for
-- @valid_from: first start of calls that it is for, UTC, microseconds; NULL: no bound
-- @valid_to: first start beyond, UTC, microseconds; NULL: no bound
-- @reason: why it was set or removed
-- @author: who set or removed it
-- @recorded_at: receipt of the event, UTC, microseconds
-- @valid_from_ns: first start of calls that it is for, ns since 1970 UTC
-- @valid_to_ns: first start beyond, ns since 1970 UTC
-- @recorded_ns: receipt of the event, ns since 1970 UTC
-- @event_seq: event that set or removed it
-- @tool: tool whose fee it sets, lower case, `*` for any characters; NULL: it is for models
-- @tier_rule: whole: by the request's input_tokens; graduated: to each part of a quantity its own price; NULL: no tiers
-- @tiers: JSON: from what size on which price holds; NULL: no tiers
-- @position: place among what its event set or removed, from 1; of rules that say as much the one set last holds
CREATE VIEW price_overrides AS
SELECT
  CAST(NULL AS VARCHAR) AS tenant,
  override_id,
  action,
  action = 'set' AND event_seq = MAX(event_seq) OVER (PARTITION BY override_id) AS in_force,
  provider,
  model,
  unit,
  multiply,
  price_usd,
  per,
  MAKE_TIMESTAMP(valid_from_ns // 1000) AS valid_from,
  MAKE_TIMESTAMP(valid_to_ns // 1000) AS valid_to,
  reason,
  author,
  MAKE_TIMESTAMP(recorded_ns // 1000) AS recorded_at,
  valid_from_ns,
  valid_to_ns,
  recorded_ns,
  event_seq,
  tool,
  tier_rule,
  tiers,
  position
FROM base.price_overrides;

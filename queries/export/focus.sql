-- FOCUS 1.2 (focus.finops.org, "CostAndUsage") over `focus_charges`: one row an hour, billing account, team, agent,
-- service, model, tool, unit and price, and run where run_id is kept. Every row's BilledCost counts once.
--
-- A charge at a price of one's own is taken back in a row apart, because what it and the new one cost a unit may differ.
-- A cost that somebody reports is an adjustment of the usage beside it, and has neither price nor consumption.
WITH charged AS (
  SELECT
    DATE_TRUNC('month', accounting_at) AS month,
    DATE_TRUNC('hour', charged_at) AS hour,
    entry <> 'booked' AND DATE_TRUNC('month', accounting_at) > DATE_TRUNC('month', charged_at) AS is_correction,
    tenant, team, environment, service_name, agent_name, run_id, provider, model, tool_name, unit,
    unit_price_usd, per, price_id, override_id,
    CASE WHEN override_id IS NOT NULL THEN reason END AS rule_applied,  -- tiers of one rule have several prices
    override_id IS NOT NULL AND entry = 'reversal' AS is_taken_back,
    unit = 'reported_difference' AS is_adjustment,
    SUM(quantity) AS quantity,
    SUM(list_cost_usd) AS list_cost_usd,
    SUM(cost_usd) AS cost_usd
  FROM focus_charges
  GROUP BY ALL
  HAVING SUM(quantity) <> 0 OR SUM(list_cost_usd) <> 0 OR SUM(cost_usd) <> 0
),
named AS (
  SELECT
    charged.*,
    meter,
    counted,
    COALESCE(provider, 'unknown') AS seller,
    COALESCE(model, tool_name) AS resource,
    CASE WHEN model IS NULL AND tool_name IS NOT NULL THEN 'Tool' ELSE 'Model' END AS resource_type,
    COALESCE(price_id, 'override/' || override_id || '/' || unit) AS sku_price_id,
    of_pico(pico_ratio(billionths(quantity), 1000000000 * COALESCE(per, 1))) AS pricing_quantity,
    CASE
      WHEN override_id IS NULL THEN unit_price_usd
      ELSE of_pico(pico_ratio(pico_usd(cost_usd) * per, billionths(quantity) * 1000))
    END AS own_price_usd
  FROM charged
  LEFT JOIN focus_units USING (unit)
)
SELECT
  CAST(NULL AS VARCHAR) AS AvailabilityZone,
  CAST(cost_usd AS DECIMAL(38, 12)) AS BilledCost,
  tenant AS BillingAccountId,
  tenant AS BillingAccountName,
  'Tenant' AS BillingAccountType,
  'USD' AS BillingCurrency,
  month + INTERVAL 1 MONTH AS BillingPeriodEnd,
  month AS BillingPeriodStart,
  CAST(NULL AS VARCHAR) AS CapacityReservationId,
  CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
  CASE WHEN is_adjustment THEN 'Adjustment' ELSE 'Usage' END AS ChargeCategory,
  CASE WHEN is_correction THEN 'Correction' END AS ChargeClass,
  CONCAT(meter, ' of ' || resource, ' by ' || agent_name) AS ChargeDescription,
  'Usage-Based' AS ChargeFrequency,
  hour + INTERVAL 1 HOUR AS ChargePeriodEnd,
  hour AS ChargePeriodStart,
  CAST(NULL AS VARCHAR) AS CommitmentDiscountCategory,
  CAST(NULL AS VARCHAR) AS CommitmentDiscountId,
  CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
  CAST(NULL AS DECIMAL(38, 12)) AS CommitmentDiscountQuantity,
  CAST(NULL AS VARCHAR) AS CommitmentDiscountStatus,
  CAST(NULL AS VARCHAR) AS CommitmentDiscountType,
  CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
  CASE WHEN NOT is_adjustment THEN CAST(quantity AS DECIMAL(38, 12)) END AS ConsumedQuantity,
  CASE WHEN NOT is_adjustment THEN counted END AS ConsumedUnit,
  CAST(cost_usd AS DECIMAL(38, 12)) AS ContractedCost,
  own_price_usd AS ContractedUnitPrice,
  CAST(cost_usd AS DECIMAL(38, 12)) AS EffectiveCost,
  CAST(NULL AS VARCHAR) AS InvoiceId,
  seller AS InvoiceIssuerName,
  CAST(list_cost_usd AS DECIMAL(38, 12)) AS ListCost,
  unit_price_usd AS ListUnitPrice,
  CASE WHEN NOT is_adjustment THEN 'Standard' END AS PricingCategory,
  'USD' AS PricingCurrency,
  own_price_usd AS PricingCurrencyContractedUnitPrice,
  CAST(cost_usd AS DECIMAL(38, 12)) AS PricingCurrencyEffectiveCost,
  unit_price_usd AS PricingCurrencyListUnitPrice,
  pricing_quantity AS PricingQuantity,
  CASE WHEN COALESCE(per, 1) = 1 THEN counted ELSE per || ' ' || counted END AS PricingUnit,
  seller AS ProviderName,
  seller AS PublisherName,
  CAST(NULL AS VARCHAR) AS RegionId,
  CAST(NULL AS VARCHAR) AS RegionName,
  resource AS ResourceId,
  CAST(NULL AS VARCHAR) AS ResourceName,
  CASE WHEN resource IS NOT NULL THEN resource_type END AS ResourceType,
  'AI and Machine Learning' AS ServiceCategory,
  CASE WHEN resource_type = 'Tool' THEN 'Tools' ELSE seller || ' API' END AS ServiceName,
  CASE WHEN resource_type = 'Tool' THEN 'Other (AI and Machine Learning)' ELSE 'Generative AI' END
    AS ServiceSubcategory,
  REGEXP_REPLACE(sku_price_id, '[@>?][^/]*$', '') AS SkuId,
  CASE WHEN sku_price_id IS NOT NULL THEN meter END AS SkuMeter,
  CAST(NULL AS VARCHAR) AS SkuPriceDetails,
  sku_price_id AS SkuPriceId,
  team AS SubAccountId,
  team AS SubAccountName,
  CASE WHEN team IS NOT NULL THEN 'Team' END AS SubAccountType,
  CAST(JSON_MERGE_PATCH('{}', JSON_OBJECT(
    'agent', agent_name, 'service', service_name, 'environment', NULLIF(environment, ''), 'team', team
  )) AS VARCHAR) AS Tags,
  agent_name AS x_AgentName,
  NULLIF(environment, '') AS x_Environment,
  override_id AS x_OverrideId,
  run_id AS x_RunId,
  service_name AS x_ServiceName,
  tool_name AS x_ToolName,
  unit AS x_Unit
FROM named
ORDER BY
  hour, month, tenant, team, environment, service_name, agent_name, run_id, provider, model, tool_name, unit, price_id,
  unit_price_usd, per, override_id, rule_applied, is_correction, is_taken_back

-- What a beancount journal of `exported` says. Balances are sums of the charges, not of the transactions.

-- A charge, what it was spent on, and the day on which it counts. A tool's own fee has no model.
CREATE OR REPLACE TEMP VIEW beancount_charges AS
SELECT
  CAST(accounting_at AS DATE) AS day,
  model IS NULL AND tool_name IS NOT NULL AS is_tool,
  provider,
  COALESCE(model, tool_name) AS item,
  tenant,
  team,
  NULLIF(environment, '') AS environment,
  service_name,
  agent_name,
  tool_name,
  cost_usd
FROM exported;

-- Every item that something was charged for, and since when.
CREATE OR REPLACE TEMP VIEW beancount_items AS
SELECT is_tool, provider, item, MIN(day) AS day
FROM beancount_charges
GROUP BY ALL;

-- One transaction a day and everything that says who spent on what.
CREATE OR REPLACE TEMP VIEW beancount_entries AS
SELECT * EXCLUDE (cost_usd), SUM(cost_usd) AS cost_usd
FROM beancount_charges
GROUP BY ALL
HAVING SUM(cost_usd) <> 0;

-- What has been spent on an item by the end of each day on which something was.
CREATE OR REPLACE TEMP VIEW beancount_spent AS
SELECT day, is_tool, provider, item, SUM(cost_usd) OVER (PARTITION BY is_tool, provider, item ORDER BY day) AS spent_usd
FROM (SELECT day, is_tool, provider, item, SUM(cost_usd) AS cost_usd FROM beancount_charges GROUP BY ALL);

-- What is owed to a provider by the end of each day on which something was spent.
CREATE OR REPLACE TEMP VIEW beancount_owed AS
SELECT day, provider, SUM(cost_usd) OVER (PARTITION BY provider ORDER BY day) AS owed_usd
FROM (SELECT day, provider, SUM(cost_usd) AS cost_usd FROM beancount_charges GROUP BY ALL);

-- What a provider is owed for each month, and the last day of it on which something was spent.
CREATE OR REPLACE TEMP VIEW beancount_months AS
SELECT MAX(day) AS day, provider, SUM(cost_usd) AS cost_usd
FROM beancount_charges
GROUP BY provider, DATE_TRUNC('month', day);

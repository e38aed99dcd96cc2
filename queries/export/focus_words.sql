-- What focus.sql says of charges in the words of FOCUS: the units, a row for each of ledger.books.units.UNITS, and
-- exact quotients.
CREATE OR REPLACE TEMP TABLE focus_units AS
SELECT * FROM (VALUES
  ('fresh_input_tokens', 'Fresh Input Tokens', 'Tokens'),
  ('cache_read_tokens', 'Cache Read Tokens', 'Tokens'),
  ('cache_write_tokens', 'Cache Write Tokens', 'Tokens'),
  ('cache_write_5m_tokens', 'Cache Write Tokens for 5 Minutes', 'Tokens'),
  ('cache_write_1h_tokens', 'Cache Write Tokens for 1 Hour', 'Tokens'),
  ('audio_input_tokens', 'Audio Input Tokens', 'Tokens'),
  ('image_input_tokens', 'Image Input Tokens', 'Tokens'),
  ('output_tokens', 'Output Tokens', 'Tokens'),
  ('reasoning_tokens', 'Reasoning Tokens', 'Tokens'),
  ('audio_output_tokens', 'Audio Output Tokens', 'Tokens'),
  ('requests', 'Requests', 'Requests'),
  ('web_searches', 'Web Searches', 'Searches'),
  ('code_executions', 'Code Executions', 'Executions'),
  ('tool_calls', 'Tool Calls', 'Calls'),
  ('tool_seconds', 'Tool Seconds', 'Seconds'),
  ('reported_difference', 'Difference to the Reported Cost', 'Calls'),
  ('unknown', 'Unknown', 'Calls')
) AS units (unit, meter, counted);

-- n / d of whole numbers in units of 10^-12, rounded half away from zero: DuckDB divides decimals as doubles. NULL where
-- d is 0; too large a number is an error.
CREATE OR REPLACE TEMP MACRO pico_ratio(n, d) AS
SIGN(n) * SIGN(d) * ((2 * ABS(CAST(n AS HUGEINT)) * 1000000000000 + ABS(d)) // NULLIF(2 * ABS(CAST(d AS HUGEINT)), 0));

-- A whole number of 10^-12 as DECIMAL(38,12).
CREATE OR REPLACE TEMP MACRO of_pico(p) AS
CAST(p // 1000000000000 AS DECIMAL(38, 12))
+ CAST(p % 1000000000000 AS DECIMAL(13, 0)) * CAST(0.000000000001 AS DECIMAL(13, 12));

-- An amount in dollars, and a quantity, as whole numbers of their last decimal place.
CREATE OR REPLACE TEMP MACRO pico_usd(amount) AS
CAST(amount * CAST(1000000000000 AS DECIMAL(13, 0)) AS HUGEINT);
CREATE OR REPLACE TEMP MACRO billionths(quantity) AS
CAST(quantity * CAST(1000000000 AS DECIMAL(10, 0)) AS HUGEINT);

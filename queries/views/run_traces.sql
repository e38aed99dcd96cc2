-- Which traces hold spans of which run, as known now: many to many.
--
-- @tenant: tenant
-- @run_id: id of the run, hex
-- @trace_id: trace with spans of the run, hex
CREATE VIEW run_traces AS
SELECT DISTINCT
  tenant,
  LOWER(HEX(COALESCE(heir_id, run_id))) AS run_id,
  LOWER(HEX(trace_id)) AS trace_id
FROM base.placements_as_of(9223372036854775807)
LEFT JOIN base.run_heirs_as_of(9223372036854775807) USING (tenant, run_id)
WHERE run_id IS NOT NULL AND signal = 'span';

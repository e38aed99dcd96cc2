-- Where the spans of runs that are no longer listed are now, so that an old link still leads somewhere. A run is known by
-- its trace until its agent's span arrives, and by that span from then on; and two runs of a conversation are one once
-- something turns up between them.
--
-- @tenant: tenant
-- @alias_id: id that was listed once and is no longer, hex
-- @run_id: id of a run that has spans it had, hex
CREATE VIEW run_aliases AS
SELECT DISTINCT
  was.tenant,
  LOWER(HEX(was.run_id)) AS alias_id,
  LOWER(HEX(COALESCE(h.heir_id, is_now.run_id))) AS run_id
FROM base.placements AS was
JOIN base.placements_as_of(9223372036854775807) AS is_now
  ON is_now.source_seq = was.source_seq AND is_now.span_index = was.span_index
LEFT JOIN base.run_heirs_as_of(9223372036854775807) AS h
  ON h.tenant = is_now.tenant AND h.run_id = is_now.run_id
ANTI JOIN runs AS listed
  ON listed.tenant = was.tenant AND listed.run_id = LOWER(HEX(was.run_id))
WHERE was.run_id <> COALESCE(h.heir_id, is_now.run_id);

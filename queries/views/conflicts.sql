-- Identities that came twice with different content. The first version counts; both are in the journal.
--
-- @tenant: tenant
-- @trace_id: trace id seen twice, hex
-- @span_id: span id seen twice, hex
-- @first_source_seq: event of the version that counts
-- @first_span_index: its position there
-- @source_seq: event of the version that does not
-- @span_index: its position there
CREATE VIEW conflicts AS
SELECT
  tenant,
  LOWER(HEX(trace_id)) AS trace_id,
  LOWER(HEX(span_id)) AS span_id,
  first_source_seq,
  first_span_index,
  source_seq,
  span_index
FROM base.conflicts;

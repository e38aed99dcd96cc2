-- The id of a charge, hex: docs/format.md has the formula. `call_id` is hex. NULL where an argument is.
CREATE MACRO base.charge_id(call_id, unit, event_seq, line) AS
LEFT(SHA256('charge/' || call_id || '/' || unit || '/' || event_seq || '/' || line), 32);

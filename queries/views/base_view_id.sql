-- The id of a view, hex: docs/format.md has the formula. `call_id` is that of the call's earliest view. Of a log record
-- of a reading of metrics and of a settlement, which `signal` tells apart, the span is zeros and the trace the content hash. Computed
-- where it is shown, and so only for the rows that are.
CREATE MACRO base.view_id(signal, tenant, trace_id, span_id) AS
LEFT(
  SHA256(
    CASE
      WHEN signal = 'metric' THEN '\x00\x00\x00\x06metric'::BLOB
      WHEN signal = 'settlement' THEN '\x00\x00\x00\x0Asettlement'::BLOB
      WHEN span_id = '\x00\x00\x00\x00\x00\x00\x00\x00'::BLOB THEN '\x00\x00\x00\x03log'::BLOB
      ELSE '\x00\x00\x00\x04span'::BLOB END
    || UNHEX(FORMAT('{:08x}', OCTET_LENGTH(ENCODE(tenant)))) || ENCODE(tenant)
    || CASE WHEN span_id = '\x00\x00\x00\x00\x00\x00\x00\x00'::BLOB THEN '\x00\x00\x00\x10'::BLOB || trace_id
      ELSE '\x00\x00\x00\x18'::BLOB || trace_id || span_id END
  ),
  32
);

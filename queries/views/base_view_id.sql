-- The id of the view that a span is, hex: docs/format.md has the formula. `call_id` is that of the call's earliest view.
-- Computed where it is shown, and so only for the rows that are.
CREATE MACRO base.view_id(tenant, trace_id, span_id) AS
LEFT(
  SHA256(
    '\x00\x00\x00\x04span'::BLOB
    || UNHEX(FORMAT('{:08x}', OCTET_LENGTH(ENCODE(tenant)))) || ENCODE(tenant)
    || '\x00\x00\x00\x18'::BLOB || trace_id || span_id
  ),
  32
);

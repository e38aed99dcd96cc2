-- What could not be read, with its bytes and the reason. It is kept, counted, and in no other view.
--
-- @tenant: tenant
-- @source_seq: event that holds the bytes
-- @span_index: position of the span, log record or metric there; -1 for the whole event
-- @reason: why it could not be read
-- @bytes: the bytes that could not be read
CREATE VIEW quarantine AS
SELECT tenant, source_seq, span_index, reason, bytes
FROM base.quarantine;

-- One row per event of the journal that was posted: accepted export requests and control actions.
--
-- @tenant: tenant
-- @event_seq: number of the event
-- @kind: otlp.traces, otlp.logs, otlp.metrics, or a control kind
-- @key: key of a control event; empty for telemetry
-- @principal: who sent it
-- @transport: grpc, http, import or control
-- @content_type: encoding of the body
-- @received_at: receipt, UTC, microseconds
-- @received_ns: receipt, ns since 1970 UTC
-- @body_bytes: length of the body, bytes
-- @raw_sha256: SHA-256 of the body, hex
-- @spans: new spans that it brought
-- @logs: new log records that it brought
-- @points: new data points of metrics that it brought
-- @duplicates: spans, log records or data points it repeated
-- @effective: false for a control event whose key was posted before
CREATE VIEW events AS
SELECT
  tenant,
  event_seq,
  kind,
  key,
  principal,
  transport,
  content_type,
  MAKE_TIMESTAMP(received_ns // 1000) AS received_at,
  received_ns,
  body_bytes,
  LOWER(HEX(raw_sha256)) AS raw_sha256,
  spans,
  logs,
  points,
  duplicates,
  effective
FROM base.events;

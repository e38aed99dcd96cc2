-- The rows of `run_parts` that count: of each trace those of its last event.
CREATE VIEW base.run_parts_now AS
SELECT p.*
FROM base.run_parts AS p
JOIN (
  SELECT tenant, trace_id, MAX(event_seq) AS event_seq
  FROM base.run_parts
  GROUP BY tenant, trace_id
) AS latest
  ON latest.tenant = p.tenant AND latest.trace_id = p.trace_id AND latest.event_seq = p.event_seq;

-- Placements of spans as known at event `seq`: written at or before it, and not superseded at or before it.
CREATE MACRO base.placements_as_of(seq) AS TABLE
SELECT p.*
FROM base.placements AS p
WHERE p.event_seq <= seq
  AND NOT EXISTS (
    SELECT 1
    FROM base.superseded AS s
    WHERE s.table_name = 'placements'
      AND s.by_seq <= seq
      AND s.tenant = p.tenant
      AND s.trace_id = p.trace_id
      AND s.span_id = p.span_id
      AND s.event_seq = p.event_seq
  );

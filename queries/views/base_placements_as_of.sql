-- Placements of spans as known at event `seq`: written at or before it, and not superseded at or before it.
-- ANTI JOIN, for DuckDB makes of NOT EXISTS a list of all keys first, which no filter reaches.
CREATE MACRO base.placements_as_of(seq) AS TABLE
SELECT p.*
FROM (SELECT * FROM base.placements WHERE event_seq <= seq) AS p
ANTI JOIN (
  SELECT tenant, trace_id, span_id, event_seq
  FROM base.superseded
  WHERE table_name = 'placements' AND by_seq <= seq
) AS s
  ON s.tenant = p.tenant AND s.trace_id = p.trace_id AND s.span_id = p.span_id AND s.event_seq = p.event_seq;

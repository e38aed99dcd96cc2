-- Placements of spans as known at event `seq`: written at or before it, and not superseded at or before it.
-- ANTI JOIN, for DuckDB makes of NOT EXISTS a list of all keys first, which no filter reaches.
CREATE MACRO base.placements_as_of(seq) AS TABLE
SELECT p.*
FROM (SELECT * FROM base.placements WHERE event_seq <= seq) AS p
ANTI JOIN (
  SELECT source_seq, span_index, replaces_seq
  FROM base.placements
  WHERE replaces_seq IS NOT NULL AND event_seq <= seq
) AS s
  ON s.source_seq = p.source_seq AND s.span_index = p.span_index AND s.replaces_seq = p.event_seq;

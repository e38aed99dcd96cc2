-- Runs of a conversation that were joined with another at or before event `seq`, and the run that they are a part of then.
-- Each way has few steps: of two runs that are joined the one that more ids lead to stays.
CREATE MACRO base.run_heirs_as_of(seq) AS TABLE
WITH RECURSIVE led AS (
  SELECT tenant, run_id, into_run_id
  FROM base.run_merges
  WHERE event_seq <= seq
  UNION ALL
  SELECT l.tenant, l.run_id, m.into_run_id
  FROM led AS l
  JOIN base.run_merges AS m
    ON m.tenant = l.tenant AND m.run_id = l.into_run_id
  WHERE m.event_seq <= seq
)
SELECT l.tenant, l.run_id, l.into_run_id AS heir_id
FROM led AS l
ANTI JOIN (SELECT tenant, run_id FROM base.run_merges WHERE event_seq <= seq) AS m
  ON m.tenant = l.tenant AND m.run_id = l.into_run_id;

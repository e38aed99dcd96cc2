-- Stretches of the journal, as known at event `seq`: a run that was touched last within one of them is settled. What an
-- event that settles finds touches a run too, by that event itself. Few: those that a later one covers are left out.
CREATE MACRO base.settled_as_of(seq) AS TABLE
WITH known AS (
  SELECT from_seq, through_seq, event_seq
  FROM base.settlings
  WHERE event_seq <= seq
),
covered AS (
  SELECT COALESCE(MAX(through_seq), -1) AS through_seq
  FROM known
  WHERE from_seq = 0
)
SELECT 0 AS from_seq, through_seq
FROM covered
UNION ALL
SELECT k.from_seq, k.through_seq
FROM known AS k
JOIN covered AS c
  ON k.from_seq > 0 AND k.through_seq > c.through_seq
UNION ALL
SELECT k.event_seq, k.event_seq
FROM known AS k
JOIN covered AS c
  ON k.event_seq > c.through_seq;

-- Lines written at or before event `seq`, and which of them stand: no reversals, and none that is reversed. The sum of
-- those that stand is that of all lines; only they say what is known of a call now.
CREATE MACRO base.charges_as_of(seq) AS TABLE
SELECT
  c.*,
  c.entry <> 'reversal' AND r.reverses IS NULL AS stands
FROM base.charges AS c
LEFT JOIN (
  SELECT DISTINCT tenant, reverses
  FROM base.charges
  WHERE entry = 'reversal' AND event_seq <= seq
) AS r
  ON r.tenant = c.tenant AND r.reverses = c.charge_id
WHERE c.event_seq <= seq;

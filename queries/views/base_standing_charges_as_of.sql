-- Lines that stand at event `seq`: no reversals, and none that is reversed. Their sum is that of all lines.
CREATE MACRO base.standing_charges_as_of(seq) AS TABLE
SELECT c.*
FROM base.charges AS c
WHERE c.event_seq <= seq
  AND c.entry <> 'reversal'
  AND NOT EXISTS (
    SELECT 1
    FROM base.charges AS r
    WHERE r.entry = 'reversal'
      AND r.event_seq <= seq
      AND r.tenant = c.tenant
      AND r.reverses = c.charge_id
  );

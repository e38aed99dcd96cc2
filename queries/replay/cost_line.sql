-- Money so far over time, thinned to at most 600 points: one for each part of the run's length in which money was spent.
WITH spent AS (
    -- A call without an end, or one before the run's start, spent its money there. 600 lengths of 200 days do not fit 64 bits.
    SELECT least(600, 600 * (CAST(greatest(ended_ns, $start_ns) AS HUGEINT) - $start_ns) // greatest(1, $end_ns - $start_ns)) AS part,
           max(greatest(ended_ns, $start_ns)) AS at_ns, sum(cost_usd) AS cost_usd
    FROM calls
    WHERE run_id = $run_id AND cost_usd > 0
    GROUP BY part
)
SELECT at_ns, CAST(sum(cost_usd) OVER (ORDER BY part) AS DECIMAL(38, 12)) AS cost_so_far_usd
FROM spent
ORDER BY part

-- The money lines of one call, in the order they were booked.
SELECT unit, quantity, unit_price_usd, per, cost_usd, basis, entry, status, reason, price_id, event_seq
FROM charges
WHERE call_id = $call_id
ORDER BY event_seq, entry, unit, charge_id

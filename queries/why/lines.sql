-- The money lines of one call in the order they were booked, those of calls that turned out to be a part of it among them.
SELECT
    charge_id, call_id, unit, quantity, unit_price_usd, per, cost_usd, basis, entry, reverses, status, reason,
    price_book_id, price_id, charged_at, event_seq, override_id
FROM charges
WHERE tenant = $tenant AND list_contains($views, call_id)
ORDER BY event_seq, entry, unit, charge_id

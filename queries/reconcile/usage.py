"""What a ledger has of models, cut as providers cut their bills: by day UTC and by the names that telemetry has."""

from datetime import date

import duckdb
import pyarrow as pa

from ledger.errors import Refused

ROWS_MAX = 100_000
"""Most rows of one answer: a hundred models on each day of almost three years."""
NEAR_MIDNIGHT_S = 300
"""A call that ended so near to midnight may be of the other day for its provider, whose clock is another."""
ENDED = "COALESCE(ended_at, started_at)"
INTO_DAY_S = f"EPOCH({ENDED} - DATE_TRUNC('day', {ENDED}))"
CALLS = f"""
SELECT provider, request_model, response_model, CAST({ENDED} AS DATE) AS day,
       COUNT(*) AS calls,
       CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
       CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
       SUM(cost_usd) AS cost_usd,
       COUNT(*) FILTER (WHERE cost_status IN ('unpriced', 'ambiguous')) AS unpriced,
       COUNT(*) FILTER (WHERE usage_status = 'missing') AS without_usage,
       COUNT(*) FILTER (WHERE {INTO_DAY_S} < {NEAR_MIDNIGHT_S} OR {INTO_DAY_S} >= 86400 - {NEAR_MIDNIGHT_S})
         AS near_midnight
FROM calls
WHERE kind = 'model' AND usage_status <> 'failed'
  AND CAST({ENDED} AS DATE) >= $first AND CAST({ENDED} AS DATE) < $after
GROUP BY ALL
ORDER BY ALL
LIMIT {ROWS_MAX + 1}
"""
"""A failed call without usage is not billed, so it counts on neither side."""


def usage(connection: duckdb.DuckDBPyConnection, first: date, after: date) -> pa.Table:
    """Model calls from the day `first` to the one before `after`, summed. Raises Refused past ROWS_MAX."""
    if first > after:
        raise Refused(f"usage from {first} to {after}: it would end before it starts")
    rows = connection.sql(CALLS, params={"first": first, "after": after}).to_arrow_table()
    if rows.num_rows > ROWS_MAX:
        raise Refused(f"usage from {first} to {after}: over {ROWS_MAX:,} rows; ask for fewer days")
    return rows

"""The charges that an export is made of: those that count in the books within a stretch of time."""

from dataclasses import dataclass

import duckdb

from ledger.errors import Refused
from queries.connect import shown

NS_MIN, NS_MAX = 0, 2**63 - 1


@dataclass(frozen=True)
class Window:
    """Charges with `from_ns` <= accounting_ns < `to_ns`, as known at event `as_of`, or now if that is None."""

    from_ns: int = NS_MIN
    to_ns: int = NS_MAX
    as_of: int | None = None

    def __post_init__(self) -> None:
        if self.from_ns >= self.to_ns:
            raise Refused("the export would end before it starts: give a --from that is earlier than --to")


@dataclass(frozen=True)
class Taken:
    """What an export holds, and what it cannot hold."""

    as_of: int
    """The last event whose charges are in it."""
    charges: int
    """Lines with a cost."""
    unpriced: int
    """Quantities without one, less those taken back."""
    unpriced_calls: int


LISTING = (
    "SELECT call_id, provider, model, unit, quantity, status, reason FROM charges WHERE cost_usd IS NULL "
    "AND entry <> 'reversal' AND charge_id NOT IN (SELECT reverses FROM charges WHERE reverses IS NOT NULL)"
)
"""The question that lists the quantities an export leaves out, whenever they count."""


def take(connection: duckdb.DuckDBPyConnection, window: Window) -> Taken:
    """Define the view `exported`, the charges of `window` that have a cost, and say what it holds.

    Raises Refused for an event that is not posted.
    """
    cursor = shown(connection).cursor
    as_of = cursor if window.as_of is None else window.as_of
    if as_of > cursor:
        raise Refused(f"event {as_of} is not posted yet; the last one is {cursor}")
    lines = (
        f"SELECT * FROM charges_as_of({int(as_of)}) "
        f"WHERE accounting_ns >= {int(window.from_ns)} AND accounting_ns < {int(window.to_ns)}"
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW exported AS SELECT * FROM ({lines}) WHERE cost_usd IS NOT NULL")
    charges, unpriced, calls = connection.execute(COUNTED.format(lines=lines)).fetchall()[0]
    return Taken(as_of, charges, unpriced, calls)


COUNTED = """
WITH lines AS ({lines}),
missing AS (
  SELECT tenant, call_id, unit, SUM(CASE WHEN entry = 'reversal' THEN -1 ELSE 1 END) AS n
  FROM lines WHERE cost_usd IS NULL GROUP BY ALL HAVING n > 0
)
SELECT
  (SELECT COUNT(*) FROM lines WHERE cost_usd IS NOT NULL),
  CAST(COALESCE(SUM(n), 0) AS BIGINT),
  COUNT(DISTINCT (tenant, call_id))
FROM missing
"""

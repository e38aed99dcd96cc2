"""What a re-rating would change, before it is ordered: by model or tool, and agent, from what is booked now."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from json import loads

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.book import PriceBook
from ledger.books.charge import price
from ledger.books.cost_sources import in_force
from ledger.books.override import NONE, Overrides
from ledger.books.reported import Preference
from ledger.books.rule_events import rule_of
from ledger.books.units import REPORTED
from ledger.money import Int64s
from ledger.post.intake import int64
from ledger.post.pricing import PRICED_FROM, with_times
from ledger.post.tariffs import Tariff
from queries.prices.stated import OTHERS, VIEW, counted
from queries.runs import Row, rows_of

CALLS_A_STEP = 32_768
"""Calls read and priced at a time: a bound on memory."""
VIEWS_A_SLICE = 50_000
"""Views that one order should cover, a quarter of what one may: other spans go on arriving meanwhile."""
MONEY = pa.decimal128(38, 12)
_KEYS = ("provider", "model", "tool", "agent_name")

CHARGED_NS = "CASE WHEN s.end_ns <= 0 OR s.received_ns < s.end_ns - 300000000000 THEN s.received_ns ELSE s.end_ns END"
"""As ledger.post.intake.charged_ns has it; held by a test."""
COUNTS = ("cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens",
          "image_input_tokens", "web_searches", "code_executions")  # fmt: skip
"""Counts that pricing reads and `base.sightings` leaves out."""
CALLS = f"""
SELECT {", ".join(("x." if name in COUNTS else "s.") + name for name in PRICED_FROM)}, s.received_ns,
       {CHARGED_NS} AS charged_ns, p.agent_name, CASE WHEN p.kind = 'tool' THEN s.tool_name END AS tool,
       COALESCE(c.model, s.response_model, s.request_model) AS model, c.cost_usd, {VIEW} AS own, o.others
FROM base.placements_as_of(9223372036854775807) AS p
JOIN base.sightings AS s ON s.source_seq = p.source_seq AND s.span_index = p.span_index
JOIN (
  SELECT source_seq, span_index, {", ".join(COUNTS)} FROM base.spans
  UNION ALL SELECT source_seq, log_index, {", ".join(COUNTS)} FROM base.logs
  UNION ALL SELECT source_seq, point_index, {", ".join("NULL" for _ in COUNTS)} FROM base.readings
  UNION ALL SELECT source_seq, residual_index, {", ".join("NULL" for _ in COUNTS)} FROM base.residuals
) AS x ON x.source_seq = p.source_seq AND x.span_index = p.span_index
LEFT JOIN base.call_costs_as_of(9223372036854775807) AS c
  ON c.tenant = p.tenant AND c.run_id IS NOT DISTINCT FROM p.run_id
  AND c.call_trace_id = COALESCE(p.call_trace_id, s.naming_trace_id)
  AND c.call_span_id = COALESCE(p.call_span_id, s.naming_span_id)
LEFT JOIN ({OTHERS}) AS o
  ON o.tenant = p.tenant AND o.call_trace_id = COALESCE(p.call_trace_id, s.naming_trace_id)
  AND o.call_span_id = COALESCE(p.call_span_id, s.naming_span_id)
WHERE p.billed AND {CHARGED_NS} >= $since_ns
"""
MOMENTS = f"""
SELECT {CHARGED_NS} AS charged_ns
FROM base.placements_as_of(9223372036854775807) AS p
JOIN base.sightings AS s ON s.source_seq = p.source_seq AND s.span_index = p.span_index
WHERE p.kind IS NOT NULL AND {CHARGED_NS} >= $since_ns
"""
RULES = """
SELECT override_id AS id, provider, model, tool, unit, CAST(multiply AS VARCHAR) AS multiply,
       CAST(price_usd AS VARCHAR) AS price_usd, tiers, tier_rule, per, valid_from_ns, valid_to_ns, reason, author
FROM price_overrides WHERE in_force ORDER BY event_seq, position
"""
CHOSEN = "SELECT source, policy FROM cost_sources WHERE is_chosen"


@dataclass(frozen=True)
class Difference:
    """`rows`: by provider, model or tool, and agent what changes, the greatest first; nothing of what does not."""

    rows: pa.Table
    calls: int
    """Calls that were looked at."""
    changed: int
    """Of them those that would cost something else."""

    @property
    def usd(self) -> Decimal:
        """By how much all costs would change."""
        return sum((value for value in self.rows["difference_usd"].to_pylist() if value is not None), Decimal(0))


def overrides_in_force(connection: duckdb.DuckDBPyConnection) -> Overrides:
    """The rules that an order posted now would go by."""
    return NONE.with_rules(rule_of(_said(row)) for row in rows_of(connection.execute(RULES)))


def _said(row: Row) -> dict[str, object]:
    """A rule as its event says it."""
    given = row | {"tiers": row["tiers"] and loads(str(row["tiers"]))}
    return {name: value for name, value in given.items() if value is not None}


def preferences_in_force(connection: duckdb.DuckDBPyConnection) -> Mapping[str, Preference]:
    """What stated costs are good for by an order posted now."""
    return in_force(dict(connection.execute(CHOSEN).fetchall()))


def difference(connection: duckdb.DuckDBPyConnection, since_ns: int, book: PriceBook) -> Difference:
    """What pricing the calls charged since `since_ns` by `book` would change."""
    parts, calls, changed = [], 0, 0
    tariff = Tariff(book, overrides_in_force(connection), -1, preferences_in_force(connection), -1)
    for batch in connection.sql(CALLS, params={"since_ns": since_ns}).to_arrow_reader(CALLS_A_STEP):
        if batch.num_rows:
            part = _priced(pa.Table.from_batches([batch]), tariff)
            calls += part.num_rows
            part = part.filter(_differs(part))
            changed += part.num_rows
            parts.append(_summed(part))
    schema = [(name, pa.string()) for name in _KEYS] + [("calls", pa.int64())]
    schema += [(f"{when}_usd", MONEY) for when in ("before", "after", "difference")]
    schema += [(f"unpriced_{when}", pa.int64()) for when in ("before", "after")]
    merged = _merged(pa.concat_tables(parts)) if parts else pa.table({})
    rows = merged.to_pylist()
    for row in rows:
        row["difference_usd"] = (row["after_usd"] or 0) - (row["before_usd"] or 0)
    rows.sort(key=lambda row: (-abs(row["difference_usd"]), *(row[name] or "" for name in _KEYS)))
    return Difference(pa.Table.from_pylist(rows, schema=pa.schema(schema)), calls, changed)


def _priced(calls: pa.Table, tariff: Tariff) -> pa.Table:
    """_KEYS, `before` and `after`: cost by call, now and by `tariff`; NULL where it is not known."""
    asked = calls.select(PRICED_FROM).append_column("row", pa.array(np.arange(calls.num_rows)))
    started = with_times(asked, int64(calls["charged_ns"]), int64(calls["received_ns"]))
    lines = price(started, tariff.book, tariff.preferences, tariff.overrides)
    after = _by_call(lines, asked)
    before = calls["cost_usd"].combine_chunks().cast(MONEY)
    after = _as_stated(calls, lines, asked, after, tariff)
    return pa.table({name: calls[name] for name in _KEYS} | {"before": before, "after": after})


def _by_call(lines: pa.Table, asked: pa.Table) -> pa.Array:
    """What `lines` of each of `asked` come to; NULL where nothing of it is known."""
    sums = lines.group_by("row", use_threads=False).aggregate([("cost_usd", "sum")])
    at = pc.index_in(asked["row"], value_set=sums["row"].combine_chunks())
    return sums["cost_usd_sum"].combine_chunks().take(at.combine_chunks()).cast(MONEY)


def _as_stated(calls: pa.Table, lines: pa.Table, asked: pa.Table, sums: pa.Array, tariff: Tariff) -> pa.Array:
    """`sums` of the lines of `calls`, but what counts of stated costs where that is not a line of their own."""
    greater = [name for name, preference in tariff.preferences.items() if preference == Preference.GREATER]
    by_greater = pc.is_in(calls["reported_source"], value_set=pa.array(greater, pa.string()))
    at = np.flatnonzero(pc.or_(by_greater, pc.is_valid(calls["others"])).to_numpy())
    if not len(at):
        return sums
    computed = lines.filter(pc.not_equal(lines["unit"], REPORTED))
    known = _by_call(computed, asked).to_pylist()
    for row in computed.filter(pc.is_null(computed["cost_usd"]))["row"].to_pylist():
        known[row] = None
    found, own, others = sums.to_pylist(), calls["own"].to_pylist(), calls["others"].to_pylist()
    for row in at.tolist():
        found[row] = counted(own[row], others[row] or (), tariff.preferences, known[row], found[row])
    return pa.array(found, MONEY)


def _differs(part: pa.Table) -> pa.Array:
    same = pc.fill_null(pc.equal(part["before"], part["after"]), False)
    return pc.invert(pc.or_(same, pc.and_(pc.is_null(part["before"]), pc.is_null(part["after"]))))


def _summed(part: pa.Table) -> pa.Table:
    counted = part.append_column("one", pa.array(np.ones(part.num_rows, np.int64)))
    for when in ("before", "after"):
        counted = counted.append_column(f"unpriced_{when}", pc.is_null(part[when]).cast(pa.int64()))
    sums = [("one", "sum"), *((name, "sum") for name in ("before", "after", "unpriced_before", "unpriced_after"))]
    found = counted.group_by(list(_KEYS), use_threads=False).aggregate(sums)
    return _renamed(found)


def _renamed(found: pa.Table) -> pa.Table:
    names = {"one_sum": "calls", "before_sum": "before_usd", "after_sum": "after_usd"}
    return found.rename_columns([names.get(name, name.removesuffix("_sum")) for name in found.column_names])


def _merged(parts: pa.Table) -> pa.Table:
    columns = [name for name in parts.column_names if name not in _KEYS]
    found = parts.group_by(list(_KEYS), use_threads=False).aggregate([(name, "sum") for name in columns])
    return found.rename_columns([name.removesuffix("_sum") for name in found.column_names])


def slices(connection: duckdb.DuckDBPyConnection, since_ns: int, size: int = VIEWS_A_SLICE) -> list[tuple[int, int]]:
    """Stretches [from, to) of charged_ns from `since_ns` on, of about `size` views each; the last has no end."""
    moments = connection.sql(MOMENTS, params={"since_ns": since_ns}).to_arrow_table()["charged_ns"]
    return cut(np.sort(moments.to_numpy()), since_ns, size)


def cut(moments: Int64s, since_ns: int, size: int) -> list[tuple[int, int]]:
    """Stretches that part `moments`, which rise from `since_ns` on, into shares of up to `size`, or of one moment more:
    its views are never parted."""
    cuts = [since_ns]
    while (beyond := int(np.searchsorted(moments, cuts[-1])) + size) < len(moments):
        after = int(np.searchsorted(moments, moments[beyond - 1], "right"))
        if after >= len(moments):
            break
        cuts.append(int(moments[after]))
    return list(zip(cuts, [*cuts[1:], 2**63 - 1], strict=True))

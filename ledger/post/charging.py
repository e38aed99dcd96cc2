"""Charge lines and rollup rows of postings."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.booking import ENTRIES, REVERSAL
from ledger.calls.columns import Frame
from ledger.calls.forest import Forest
from ledger.calls.roles import TOOL
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.names import Names
from ledger.post.placing import KINDS, words
from ledger.schema import ARROW, MONEY

HOUR_NS = 3_600_000_000_000

_FEE_TOOLS = {"web_searches": "web_search", "code_executions": "code_execution"}
"""Fees of a provider that are a tool's cost: unit -> tool_name of the line."""


def charge_rows(forest: Forest, texts: Texts, store: LineStore, postings: Frame) -> tuple[pa.Table, pa.Table]:
    """schema.CHARGES of `postings` (calls.booking), without recorded_ns, and schema.ROLLUPS, summed."""
    lines = _lines(forest, texts, store, postings)
    deltas = pa.concat_tables([_call_deltas(forest, texts, postings), _cost_deltas(lines)])
    return lines.drop_columns(["kind"]), _fold(deltas)


def _lines(forest: Forest, texts: Texts, store: LineStore, postings: Frame) -> pa.Table:
    """schema.CHARGES of `postings` and their kind, without recorded_ns, which belongs to the event."""
    nodes, names = forest.nodes, Names(forest, texts)
    which, position, number = spread(nodes["line_first"][postings["view"]], nodes["line_count"][postings["view"]])
    if not len(which):
        return _WITH_KIND.empty_table()
    lines = store.take(number)
    at = {name: values[which] for name, values in postings.items()}
    calls, views, entry, line = at["call"], at["view"], at["entry"], at["first"] + position
    reversal = entry == REVERSAL
    back = pa.array(reversal)
    is_tool = nodes["role"][views] == TOOL
    columns = {
        "tenant": names.tenants(views),
        "trace_id": names.trace_ids(views),
        "run_id": names.run_ids(views, at["rule"], at["run"]),
        "agent_name": names.agents(views, at["agent"]),
        "service_name": texts.service.texts(nodes["service"][views]),
        "environment": texts.environment.texts(nodes["environment"][views]),
        "provider": texts.provider.texts(nodes["provider"][views]),
        "model": texts.model.texts(np.where(is_tool, -1, nodes["model"][views])),
        "tool_name": _fee_tools(texts.tool.texts(np.where(is_tool, nodes["tool"][views], -1)), lines["unit"]),
        "user_id": texts.user.texts(at["user"]),
        "team": texts.team.texts(at["team"]),
        **{name: lines[name] for name in _AS_PRICED},
        **{name: _signed(lines[name], back) for name in ("quantity", "list_cost_usd", "cost_usd")},
        "entry": words(ENTRIES, entry),
        "charged_ns": pa.array(nodes["charged_ns"][views]),
        "accounting_ns": pa.nulls(len(which), pa.int64()),
        "recorded_ns": pa.nulls(len(which), pa.int64()),
        "event_seq": pa.array(at["event_seq"]),
        "line": pa.array(line.astype(np.int32)),
        "span_id": names.span_ids(views),
        "call_span_id": names.span_ids(np.where(calls == views, -1, calls)),
        "reverses_seq": pa.array(at["back_seq"], mask=~reversal),
        "reverses_line": pa.array((at["back_first"] + position).astype(np.int32), mask=~reversal),
        "kind": words(KINDS, nodes["role"][views]),
    }
    return pa.table([columns[name] for name in _WITH_KIND.names], schema=_WITH_KIND)


_WITH_KIND = ARROW["charges"].append(pa.field("kind", pa.string()))
_AS_PRICED = ("unit", "unit_price_usd", "per", "basis", "reason", "status", "price_book_id", "price_id")


def _signed(amounts: pa.ChunkedArray, back: pa.Array) -> pa.ChunkedArray:
    return pc.if_else(back, pc.negate(amounts), amounts)


def _fee_tools(own: pa.Array, units: pa.ChunkedArray) -> pa.Array:
    encoded = units.combine_chunks().dictionary_encode()
    fees = pa.array([_FEE_TOOLS.get(unit) for unit in encoded.dictionary.to_pylist()], type=pa.string())
    return pc.coalesce(own, fees.take(encoded.indices))


def _call_deltas(forest: Forest, texts: Texts, postings: Frame) -> pa.Table:
    """schema.ROLLUPS: one row a posting, its cost left to the charges."""
    nodes, names, views = forest.nodes, Names(forest, texts), postings["view"]
    sign, is_tool = np.where(postings["entry"] == REVERSAL, -1, 1), nodes["role"][views] == TOOL
    columns = {
        "hour_ns": pa.array(nodes["charged_ns"][views] // HOUR_NS * HOUR_NS),
        "tenant": names.tenants(views),
        "environment": texts.environment.texts(nodes["environment"][views]),
        "service_name": texts.service.texts(nodes["service"][views]),
        "agent_name": names.agents(views, postings["agent"]),
        "provider": texts.provider.texts(nodes["provider"][views]),
        "model": texts.model.texts(np.where(is_tool, -1, nodes["model"][views])),
        "tool_name": texts.tool.texts(np.where(is_tool, nodes["tool"][views], -1)),
        "user_id": texts.user.texts(postings["user"]),
        "team": texts.team.texts(postings["team"]),
        "kind": words(KINDS, nodes["role"][views]),
        "calls": pa.array(sign),
        "errors": pa.array(sign * nodes["failed"][views]),
        "input_tokens": pa.array(sign * nodes["input_tokens"][views]),
        "output_tokens": pa.array(sign * nodes["output_tokens"][views]),
        "cost_usd": pa.nulls(len(views), MONEY),
        "unpriced_calls": pa.array(sign * nodes["unpriced"][views]),
        "event_seq": pa.array(postings["event_seq"]),
    }
    return pa.table([columns[name] for name in ARROW["rollups"].names], schema=ARROW["rollups"])


def _cost_deltas(lines: pa.Table) -> pa.Table:
    """schema.ROLLUPS: one row a charge line, with its cost alone."""
    hour = pa.array(lines["charged_ns"].to_numpy() // HOUR_NS * HOUR_NS)
    lines = lines.append_column("hour_ns", hour)
    zeros = pa.array(np.zeros(lines.num_rows, dtype=np.int64))
    columns = [lines[name] if name in lines.column_names else zeros for name in ARROW["rollups"].names]
    return pa.table(columns, schema=ARROW["rollups"])


def _fold(rollups: pa.Table) -> pa.Table:
    """Sum rollup rows that agree in all dimensions; rows that come to nothing are dropped."""
    measures = ("calls", "errors", "input_tokens", "output_tokens", "cost_usd", "unpriced_calls")
    keys = [name for name in ARROW["rollups"].names if name not in (*measures, "event_seq")]
    frame = pl.from_arrow(rollups)
    assert isinstance(frame, pl.DataFrame)
    summed = frame.group_by(keys, maintain_order=True).agg(
        *(pl.col(name).sum() for name in measures), pl.col("event_seq").max()
    )
    moved = summed.filter(pl.any_horizontal(pl.col(name) != 0 for name in measures))
    return moved.select(ARROW["rollups"].names).to_arrow().cast(ARROW["rollups"])

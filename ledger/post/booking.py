"""Charge lines and rollup deltas of the calls that a round touched: book, and where a booking is no longer true,
reverse it and book again. Lines are added, never edited."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.units import POSITION
from ledger.calls.columns import Columns
from ledger.calls.forest import Forest
from ledger.calls.ids import charge_ids
from ledger.calls.owner import Decision
from ledger.calls.roles import TOOL
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.names import Names
from ledger.post.placing import KINDS, words
from ledger.schema import ARROW, MONEY

HOUR_NS = 3_600_000_000_000

ENTRIES = ("booked", "reversal", "rebooked")
_BOOKED, _REVERSAL, _REBOOKED = range(3)

_DIMENSIONS = ("agent", "user", "team", "rule", "run")
"""What a charge is booked on beside what its view says: columns b_* as booked, p_* as placed now."""

_FEE_TOOLS = {"web_searches": "web_search", "code_executions": "code_execution"}
"""Fees of a provider that are a tool's cost: unit -> tool_name of the line."""


@dataclass(frozen=True)
class Postings:
    """Calls to be booked, or taken back: by which view, on whom, and from which line of the event on."""

    calls: np.ndarray  # row that names the call
    views: np.ndarray  # row that bills
    dimensions: dict[str, np.ndarray]
    first: np.ndarray
    entry: np.ndarray  # number in ENTRIES

    @property
    def sign(self) -> np.ndarray:
        return np.where(self.entry == _REVERSAL, -1, 1)


def book(
    forest: Forest, texts: Texts, store: LineStore, decision: Decision, called_before: np.ndarray
) -> tuple[pa.Table, pa.Table]:
    """Charges, and rollup rows to be summed, that bring the books in line with the placements now in the forest.

    `called_before`: the call of each view of `decision` before it was placed. Where one view of a call is decided
    about, all are, so the one that bills is among them.
    """
    nodes = forest.nodes
    calls = _calls(nodes, decision, called_before)
    views = nodes["biller"][calls]
    stands = nodes["b_row"][calls] >= 0
    same = (nodes["b_row"][calls] == views) & _on_the_same(nodes, calls, views)
    back = _taken_back(nodes, calls[stands & ~same])
    forward = _booked(nodes, calls[(views >= 0) & ~same])
    lines = pa.concat_tables([_lines(forest, texts, store, postings) for postings in (back, forward)])
    deltas = [_call_deltas(forest, texts, postings) for postings in (back, forward)]
    _note(forest, back, forward)
    return lines.drop_columns(["kind"]), pa.concat_tables([*deltas, _cost_deltas(lines)])


def _calls(nodes: Columns, decision: Decision, called_before: np.ndarray) -> np.ndarray:
    calls = np.unique(np.concatenate([called_before[called_before >= 0], decision.call]))
    nodes["biller"][calls] = -1
    nodes["biller"][decision.call[decision.billed]] = decision.rows[decision.billed]
    return calls


def _on_the_same(nodes: Columns, calls: np.ndarray, views: np.ndarray) -> np.ndarray:
    same = np.ones(len(calls), dtype=np.bool_)
    for name in _DIMENSIONS:
        same &= nodes[f"b_{name}"][calls] == nodes[f"p_{name}"][views]
    return same


def _taken_back(nodes: Columns, calls: np.ndarray) -> Postings:
    dimensions = {name: nodes[f"b_{name}"][calls] for name in _DIMENSIONS}
    entry = np.full(len(calls), _REVERSAL)
    return Postings(calls, nodes["b_row"][calls], dimensions, np.zeros(len(calls), dtype=np.int64), entry)


def _booked(nodes: Columns, calls: np.ndarray) -> Postings:
    views, before = nodes["biller"][calls], nodes["b_row"][calls]
    dimensions = {name: nodes[f"p_{name}"][views] for name in _DIMENSIONS}
    first = np.where(before >= 0, nodes["line_count"][before], 0)  # after the lines that take the old booking back
    entry = np.where(nodes["b_seq"][calls] >= 0, _REBOOKED, _BOOKED)
    return Postings(calls, views, dimensions, first, entry)


def _note(forest: Forest, back: Postings, forward: Postings) -> None:
    nodes = forest.nodes
    nodes["b_row"][back.calls] = -1
    nodes["b_row"][forward.calls] = forward.views
    nodes["b_first"][forward.calls] = forward.first
    nodes["b_seq"][forward.calls] = _events(forest, forward.calls)
    for name, values in forward.dimensions.items():
        nodes[f"b_{name}"][forward.calls] = values


def _events(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """The event of this round that touches the trace of each row."""
    events: np.ndarray = forest.traces["event_seq"][forest.nodes["trace"][rows]]
    return events


def _lines(forest: Forest, texts: Texts, store: LineStore, postings: Postings) -> pa.Table:
    """schema.CHARGES of `postings` and their kind, without recorded_ns, which belongs to the event."""
    nodes, names = forest.nodes, Names(forest, texts)
    which, position, number = spread(nodes["line_first"][postings.views], nodes["line_count"][postings.views])
    if not len(which):
        return _WITH_KIND.empty_table()
    lines = store.take(number)
    calls, views, entry = postings.calls[which], postings.views[which], postings.entry[which]
    at = {name: values[which] for name, values in postings.dimensions.items()}
    events, line = _events(forest, calls), postings.first[which] + position
    unit = _numbers(lines["unit"])
    back = entry == _REVERSAL
    halves = names.view_halves(calls)
    taken_back = charge_ids(halves, unit, nodes["b_seq"][calls], nodes["b_first"][calls] + position)
    is_tool = nodes["role"][views] == TOOL
    charged = pa.array(nodes["charged_ns"][views])
    sign = pa.array(postings.sign[which])
    columns = {
        "tenant": names.tenants(views),
        "charge_id": charge_ids(halves, unit, events, line),
        "call_id": names.view_ids(calls),
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
        **{name: _signed(lines[name], sign) for name in ("quantity", "list_cost_usd", "cost_usd")},
        "entry": words(ENTRIES, entry),
        "reverses": pc.if_else(pa.array(back), taken_back, pa.scalar(None, taken_back.type)),
        "charged_ns": charged,
        "accounting_ns": charged,
        "recorded_ns": pa.nulls(len(which), pa.int64()),
        "event_seq": pa.array(events),
        "line": pa.array(line.astype(np.int32)),
        "span_id": names.span_ids(views),
        "kind": words(KINDS, nodes["role"][views]),
    }
    return pa.table([columns[name] for name in _WITH_KIND.names], schema=_WITH_KIND)


_WITH_KIND = ARROW["charges"].append(pa.field("kind", pa.string()))
_AS_PRICED = ("unit", "unit_price_usd", "per", "basis", "reason", "status", "price_book_id", "price_id")


def _signed(amounts: pa.ChunkedArray, sign: pa.Array) -> pa.ChunkedArray:
    negative = pc.less(sign, 0)
    return pc.if_else(negative, pc.negate(amounts), amounts)


def _numbers(units: pa.ChunkedArray) -> np.ndarray:
    encoded = units.combine_chunks().dictionary_encode()
    numbers: np.ndarray = np.array([POSITION[unit] for unit in encoded.dictionary.to_pylist()])
    found: np.ndarray = numbers[encoded.indices.to_numpy()]
    return found


def _fee_tools(own: pa.Array, units: pa.ChunkedArray) -> pa.Array:
    encoded = units.combine_chunks().dictionary_encode()
    fees = pa.array([_FEE_TOOLS.get(unit) for unit in encoded.dictionary.to_pylist()], type=pa.string())
    return pc.coalesce(own, fees.take(encoded.indices))


def _call_deltas(forest: Forest, texts: Texts, postings: Postings) -> pa.Table:
    """schema.ROLLUPS: one row a posting, its cost left to the charges."""
    nodes, names, views = forest.nodes, Names(forest, texts), postings.views
    sign, at, is_tool = postings.sign, postings.dimensions, nodes["role"][views] == TOOL
    columns = {
        "hour_ns": pa.array(nodes["charged_ns"][views] // HOUR_NS * HOUR_NS),
        "tenant": names.tenants(views),
        "environment": texts.environment.texts(nodes["environment"][views]),
        "service_name": texts.service.texts(nodes["service"][views]),
        "agent_name": names.agents(views, at["agent"]),
        "provider": texts.provider.texts(nodes["provider"][views]),
        "model": texts.model.texts(np.where(is_tool, -1, nodes["model"][views])),
        "tool_name": texts.tool.texts(np.where(is_tool, nodes["tool"][views], -1)),
        "user_id": texts.user.texts(at["user"]),
        "team": texts.team.texts(at["team"]),
        "kind": words(KINDS, nodes["role"][views]),
        "calls": pa.array(sign),
        "errors": pa.array(sign * nodes["failed"][views]),
        "input_tokens": pa.array(sign * nodes["input_tokens"][views]),
        "output_tokens": pa.array(sign * nodes["output_tokens"][views]),
        "cost_usd": pa.nulls(len(views), MONEY),
        "unpriced_calls": pa.array(sign * nodes["unpriced"][views]),
        "event_seq": pa.array(_events(forest, views)),
    }
    return pa.table([columns[name] for name in ARROW["rollups"].names], schema=ARROW["rollups"])


def _cost_deltas(lines: pa.Table) -> pa.Table:
    """schema.ROLLUPS: one row a charge line, with its cost alone."""
    hour = pa.array(lines["charged_ns"].to_numpy() // HOUR_NS * HOUR_NS)
    lines = lines.append_column("hour_ns", hour)
    zeros = pa.array(np.zeros(lines.num_rows, dtype=np.int64))
    columns = [lines[name] if name in lines.column_names else zeros for name in ARROW["rollups"].names]
    return pa.table(columns, schema=ARROW["rollups"])


def fold(rollups: pa.Table) -> pa.Table:
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

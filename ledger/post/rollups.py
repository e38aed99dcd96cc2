"""Rollup rows of postings: summed as numbers, and named only once they are few."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.booking import REVERSAL
from ledger.calls.columns import Frame, packed
from ledger.calls.forest import Forest
from ledger.calls.roles import TOOL
from ledger.post.intake import Texts
from ledger.post.names import KINDS, Names, words
from ledger.schema import ARROW, MONEY

HOUR_NS = 3_600_000_000_000

FEE_TOOLS = {"web_searches": "web_search", "code_executions": "code_execution"}
"""Fees of a provider that are a tool's cost: unit -> tool_name of the line."""

DIMENSIONS_OF_VIEWS = ("environment", "service", "provider", "model", "tool", "role", "credential")

_COUNTS = ("calls", "errors", "input_tokens", "output_tokens", "unpriced_calls")


def rollup_rows(forest: Forest, texts: Texts, postings: Frame, which: np.ndarray, lines: pa.Table) -> pa.Table:
    """schema.ROLLUPS of `postings`, summed; rows that come to nothing are left out.

    lines: as `LineStore` holds them, those of all postings; which: the posting of each. A call is counted where its
    view is, and the cost of a provider's fee where the tool is that it is for.
    """
    fee = _fees(lines["unit"])
    fees = np.flatnonzero(fee)
    posting = np.concatenate([np.arange(len(postings["view"])), which[fees]])
    tool = np.concatenate([np.zeros(len(postings["view"]), dtype=np.int64), fee[fees]])
    key = packed(*_dimensions(forest, postings, posting), tool)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    of_line = group[which]
    of_line[fees] = group[len(postings["view"]) :]
    sums = _counts(forest, postings, group[: len(postings["view"])], len(first))
    cost = _costs(of_line, postings["entry"][which] == REVERSAL, lines["booked_cost_usd"], len(first))
    seq = np.full(len(first), -1, dtype=np.int64)
    np.maximum.at(seq, group, postings["event_seq"][posting])
    named = _named(forest, texts, {name: values[posting[first]] for name, values in postings.items()}, tool[first])
    columns = {
        **named,
        **{name: pa.array(sums[name]) for name in _COUNTS},
        "cost_usd": cost,
        "event_seq": pa.array(seq),
        "result_usd": pa.repeat(pa.scalar(Decimal(0), MONEY), len(first)),
        "result_calls": pa.array(np.zeros(len(first), dtype=np.int64)),
        "agents_usd": pa.repeat(pa.scalar(Decimal(0), MONEY), len(first)),
    }
    rows = pa.table([columns[name] for name in ARROW["rollups"].names], schema=ARROW["rollups"])
    moved = np.logical_or.reduce([sums[name] != 0 for name in _COUNTS])
    return rows.filter(pc.or_(pa.array(moved), pc.not_equal(cost, pa.scalar(0, MONEY))))


def fee_tools(units: pa.ChunkedArray) -> pa.Array:
    """Name of the tool whose fee each line is, NULL for lines that are none."""
    return pa.array([None, *FEE_TOOLS.values()], pa.string()).take(pa.array(_fees(units)))


def _fees(units: pa.ChunkedArray) -> np.ndarray:
    """Number of the fee that each line is: its place in FEE_TOOLS, counted from 1; 0 for none."""
    found = pc.index_in(units, value_set=pa.array(list(FEE_TOOLS), units.type))
    numbers: np.ndarray = pc.fill_null(found, -1).to_numpy() + 1
    return numbers.astype(np.int64)


def _dimensions(forest: Forest, postings: Frame, which: np.ndarray) -> list[np.ndarray]:
    nodes, views = forest.nodes, postings["view"][which]
    columns = [nodes["charged_ns"][views] // HOUR_NS, forest.traces["tenant"][nodes["trace"][views]]]
    columns += [nodes[name][views] for name in DIMENSIONS_OF_VIEWS]
    return columns + [postings[name][which] for name in ("agent", "user", "team", "beneath")]


def _counts(forest: Forest, postings: Frame, group: np.ndarray, groups: int) -> Frame:
    nodes, views = forest.nodes, postings["view"]
    sign = np.where(postings["entry"] == REVERSAL, -1, 1)
    counted = {
        "calls": sign,
        "errors": sign * nodes["failed"][views],
        "input_tokens": sign * nodes["input_tokens"][views],
        "output_tokens": sign * nodes["output_tokens"][views],
        "unpriced_calls": sign * nodes["unpriced"][views],
    }
    sums = {name: np.zeros(groups, dtype=np.int64) for name in counted}
    for name, values in counted.items():
        np.add.at(sums[name], group, values)
    return sums


def _costs(group: np.ndarray, back: np.ndarray, booked: pa.ChunkedArray, groups: int) -> pa.Array:
    """Known cost of each group, 0 where none is; lines that are taken back count negatively."""
    costs = pc.if_else(pa.array(back), pc.negate(booked), booked)
    every = np.concatenate([np.arange(groups), group])  # each is there at least once, in the order of the groups
    rows = pa.table({"group": every, "cost": pa.chunked_array([pa.nulls(groups, MONEY), *costs.chunks])})
    sums = rows.group_by("group", use_threads=False).aggregate([("cost", "sum")]).sort_by("group")
    return pc.fill_null(sums["cost_sum"], 0).combine_chunks()


def _named(forest: Forest, texts: Texts, postings: Frame, fee: np.ndarray) -> dict[str, pa.Array]:
    """The dimensions of one posting of each group as text."""
    nodes, names, views = forest.nodes, Names(forest, texts), postings["view"]
    is_tool = nodes["role"][views] == TOOL
    own_tool = texts.tool.texts(np.where(is_tool, nodes["tool"][views], -1))
    return {
        "hour_ns": pa.array(nodes["charged_ns"][views] // HOUR_NS * HOUR_NS),
        "tenant": names.tenants(views),
        "environment": texts.environment.texts(nodes["environment"][views]),
        "service_name": texts.service.texts(nodes["service"][views]),
        "agent_name": names.agents(views, postings["agent"]),
        "provider": texts.provider.texts(nodes["provider"][views]),
        "model": texts.model.texts(np.where(is_tool, -1, nodes["model"][views])),
        "tool_name": pc.coalesce(own_tool, words((None, *FEE_TOOLS.values()), fee)),
        "user_id": texts.user.texts(postings["user"]),
        "team": texts.team.texts(postings["team"]),
        "credential": texts.credential.texts(nodes["credential"][views]),
        "beneath_tool": texts.tool.texts(postings["beneath"]),
        "kind": words(KINDS, nodes["role"][views]),
    }

"""Lines of a call whose cost another of its views reports: those of the view that bills, and the difference.

A gateway, or a command-line agent's log record, knows what a call cost, and the span that bills knows its tokens best.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.units import REPORTED
from ledger.calls.booking import REVERSAL
from ledger.calls.columns import Frame
from ledger.calls.forest import Forest
from ledger.post.lines import LINES, LineStore, spread
from ledger.schema import MONEY

WIDE = pa.decimal256(40, 12)
"""Differences of two amounts of MONEY."""


def restate(forest: Forest, store: LineStore, postings: Frame) -> None:
    """Make the lines of what `postings` (calls.booking) book with the report of another view, and note where they are,
    there and in the forest."""
    at = np.flatnonzero((postings["report"] >= 0) & (postings["entry"] != REVERSAL))
    if not len(at):
        return
    call, lines = _restated(forest, store, postings["view"][at], postings["report"][at])
    count = np.bincount(call, minlength=len(at))
    first = store.append(lines) + np.cumsum(count) - count
    for name, values in (("line_first", first), ("line_count", count)):
        postings[name][at] = values
        forest.nodes[f"b_{name}"][postings["call"][at]] = values


def _restated(forest: Forest, store: LineStore, views: np.ndarray, reports: np.ndarray) -> tuple[np.ndarray, pa.Table]:
    """For each line its position in `views`, rising, and the lines."""
    call, lines = _lines(forest, store, views)
    computed = ~_is_report(lines)
    call, lines = call[computed], lines.filter(pa.array(computed))
    stating, stated = _lines(forest, store, reports)
    report = stated.filter(pa.array(_is_report(stated)))
    assert len(report) == len(views), "a view that meters its call has one line that says so"
    difference = pc.subtract(_sums(stating, stated, len(views)), _sums(call, lines, len(views))).cast(MONEY)
    changed = {"booked_cost_usd": difference, "booked_list_cost_usd": _nothing_listed(difference)}
    report = pa.table([changed.get(name, report[name]) for name in LINES.names], schema=LINES)
    calls = np.concatenate([call, np.arange(len(views))])
    order = np.argsort(calls, kind="stable")  # the report after what it corrects
    return calls[order], pa.concat_tables([lines, report]).take(pa.array(order))


def _nothing_listed(difference: pa.Array) -> pa.Array:
    """0, which is left out where it is the cost: no price list has a price for what another view reports."""
    zero = pa.scalar(0, MONEY)
    return pc.if_else(pc.equal(difference, zero), pa.scalar(None, MONEY), zero)


def _lines(forest: Forest, store: LineStore, views: np.ndarray) -> tuple[np.ndarray, pa.Table]:
    """For each line of `views` the position of its view, and the lines."""
    which, _, number = spread(forest.nodes["line_first"][views], forest.nodes["line_count"][views])
    return which, store.take(number)


def _is_report(lines: pa.Table) -> np.ndarray:
    found: np.ndarray = pc.equal(lines["unit"], REPORTED).to_numpy()
    return found


def _sums(call: np.ndarray, lines: pa.Table, calls: int) -> pa.Array:
    """Known cost of each call, 0 where none is, as WIDE."""
    every = np.concatenate([np.arange(calls), call])  # each is there at least once, in the order of the calls
    costs = pa.chunked_array([pa.nulls(calls, MONEY), *lines["booked_cost_usd"].chunks])
    rows = pa.table({"call": every, "cost": costs})
    sums = rows.group_by("call", use_threads=False).aggregate([("cost", "sum")]).sort_by("call")
    return pc.fill_null(sums["cost_sum"], 0).combine_chunks().cast(WIDE)

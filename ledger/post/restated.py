"""Lines of a call whose cost another of its views reports: those of the view that bills, and the difference.

A gateway, or a command-line agent's log record, knows what a call cost, and the span that bills knows its tokens best.
Where the greater of the two counts the difference is left out if it is none: then the computed lines stand.
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
    first, count = restated(forest, store, postings["view"][at], postings["report"][at])
    for name, values in (("line_first", first), ("line_count", count)):
        postings[name][at] = values
        forest.nodes[f"b_{name}"][postings["call"][at]] = values


def restated(forest: Forest, store: LineStore, views: np.ndarray, reports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the lines of calls are that `views` bill with the reports of other views, or with none (-1), and how many:
    made anew where there is a report."""
    first, count = (forest.nodes[name][views] for name in ("line_first", "line_count"))
    at = np.flatnonzero(reports >= 0)
    if len(at):
        call, lines = _restated(forest, store, views[at], reports[at])
        count[at] = np.bincount(call, minlength=len(at))
        first[at] = store.append(lines) + np.cumsum(count[at]) - count[at]
    return first, count


def _restated(forest: Forest, store: LineStore, views: np.ndarray, reports: np.ndarray) -> tuple[np.ndarray, pa.Table]:
    """For each line its position in `views`, rising, and the lines."""
    call, lines = _lines(forest, store, views)
    computed = ~_is_report(lines)
    call, lines = call[computed], lines.filter(pa.array(computed))
    stating, stated = _lines(forest, store, reports)
    report = stated.filter(pa.array(_is_report(stated)))
    assert len(report) == len(views), "a view that meters its call has one line that says so"
    difference = pc.subtract(_sums(stating, stated, len(views)), _sums(call, lines, len(views))).cast(MONEY)
    counts = ~(forest.nodes["greater"][reports] & _is_known(call, lines, len(views)) & _is_none(difference))
    changed = {"booked_cost_usd": difference, "booked_list_cost_usd": _nothing_listed(difference)}
    report = pa.table([changed.get(name, report[name]) for name in LINES.names], schema=LINES)
    calls = np.concatenate([call, np.flatnonzero(counts)])
    order = np.argsort(calls, kind="stable")  # the report after what it corrects
    return calls[order], pa.concat_tables([lines, report.filter(pa.array(counts))]).take(pa.array(order))


def _is_known(call: np.ndarray, lines: pa.Table, calls: int) -> np.ndarray:
    """Whether every line of each call has a cost."""
    unknown = call[lines["booked_cost_usd"].is_null().to_numpy()]
    known: np.ndarray = np.bincount(unknown, minlength=calls) == 0
    return known


def _is_none(difference: pa.Array) -> np.ndarray:
    found: np.ndarray = pc.less_equal(difference, pa.scalar(0, MONEY)).to_numpy(zero_copy_only=False)
    return found


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

"""What the books need so that they agree with the placements: calls that are booked, and bookings taken back.

A call whose billing view, whose payer or whose reported cost changed is reversed and booked again; lines are added,
never edited.
"""

import numpy as np

from ledger.calls.columns import Columns, Frame, distinct
from ledger.calls.forest import Forest
from ledger.calls.owner import Decision

ENTRIES = ("booked", "reversal", "rebooked", "rerate")
BOOKED, REVERSAL, REBOOKED, RERATE = range(4)

DIMENSIONS = ("agent", "user", "team", "rule", "run", "beneath")
"""What a charge is booked on beside what its view says: columns b_* as booked, p_* as placed now."""


LINES = ("line_first", "line_count")
"""Where the lines of a view lie; b_* those of a booking: the same, unless a cost that another view reports is in it."""


def book(forest: Forest, decision: Decision, called_before: np.ndarray) -> list[Frame]:
    """Postings, in two frames: bookings taken back and calls booked. The forest holds the new state of the books.

    Columns: call (row that names it), view (row that bills), report (row of another view whose reported cost it is, or
    -1), entry (number in ENTRIES), event_seq, first (number of its first line among those of the call and event),
    back_seq and back_first (the same of the booking that is taken back), line_first and line_count (its lines; to be
    filled in, also in the forest, for what is booked) and DIMENSIONS.
    `called_before`: the call of each view of `decision` before it was placed. Where one view of a call is decided
    about, all are, so the one that bills is among them.
    """
    nodes = forest.nodes
    calls = _calls(nodes, decision, called_before)
    views = nodes["biller"][calls]
    stands = nodes["b_row"][calls] >= 0
    same = (nodes["b_row"][calls] == views) & (nodes["b_report"][calls] == nodes["reporter"][calls])
    same &= _on_the_same(nodes, calls, views)
    back = _taken_back(forest, calls[stands & ~same])
    forward = _booked(forest, calls[(views >= 0) & ~same])
    _note(nodes, back, forward)
    return [frame for frame in (back, forward) if len(frame["call"])]


def take_back(forest: Forest, calls: np.ndarray, event_seq: int) -> Frame:
    """The bookings of `calls`, which stand, taken back by `event_seq`. To be followed by `rerate`."""
    back = _taken_back(forest, calls)
    back["event_seq"] = np.full(len(calls), event_seq)
    return back


def rerate(forest: Forest, back: Frame, anew: Frame) -> Frame:
    """The calls of `back`, booked anew on the same as before, with what `anew` has in its columns report and LINES."""
    first = back["line_count"]
    forward = back | {"entry": np.full(len(first), RERATE), "first": first, **anew}
    _note(forest.nodes, back, forward)
    return forward


def _calls(nodes: Columns, decision: Decision, called_before: np.ndarray) -> np.ndarray:
    calls = distinct(np.concatenate([called_before[called_before >= 0], decision.call]), nodes.rows)
    nodes["biller"][calls] = -1
    nodes["biller"][decision.call[decision.billed]] = decision.rows[decision.billed]
    nodes["reporter"][decision.call] = decision.reporter
    return calls


def _on_the_same(nodes: Columns, calls: np.ndarray, views: np.ndarray) -> np.ndarray:
    same = np.ones(len(calls), dtype=np.bool_)
    for name in DIMENSIONS:
        same &= nodes[f"b_{name}"][calls] == nodes[f"p_{name}"][views]
    return same


def _taken_back(forest: Forest, calls: np.ndarray) -> Frame:
    nodes = forest.nodes
    return {
        "call": calls,
        "view": nodes["b_row"][calls],
        "report": nodes["b_report"][calls],
        "entry": np.full(len(calls), REVERSAL),
        "event_seq": _events(forest, calls),
        "first": np.zeros(len(calls), dtype=np.int64),
        "back_seq": nodes["b_seq"][calls],
        "back_first": nodes["b_first"][calls],
        **{name: nodes[f"b_{name}"][calls] for name in LINES},
        **{name: nodes[f"b_{name}"][calls] for name in DIMENSIONS},
    }


def _booked(forest: Forest, calls: np.ndarray) -> Frame:
    nodes = forest.nodes
    views, before = nodes["biller"][calls], nodes["b_row"][calls]
    return {
        "call": calls,
        "view": views,
        "report": nodes["reporter"][calls],
        "entry": np.where(nodes["b_seq"][calls] >= 0, REBOOKED, BOOKED),
        "event_seq": _events(forest, calls),
        "first": np.where(before >= 0, nodes["b_line_count"][calls], 0),  # after the lines that take the old one back
        "back_seq": nodes["b_seq"][calls],
        "back_first": nodes["b_first"][calls],
        **{name: nodes[name][views] for name in LINES},
        **{name: nodes[f"p_{name}"][views] for name in DIMENSIONS},
    }


def _note(nodes: Columns, back: Frame, forward: Frame) -> None:
    nodes["b_row"][back["call"]] = -1
    calls = forward["call"]
    for booked, column in (("b_row", "view"), ("b_report", "report"), ("b_first", "first"), ("b_seq", "event_seq")):
        nodes[booked][calls] = forward[column]
    for name in (*LINES, *DIMENSIONS):
        nodes[f"b_{name}"][calls] = forward[name]


def _events(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """The event of this round that touches the trace of each row."""
    events: np.ndarray = forest.traces["event_seq"][forest.nodes["trace"][rows]]
    return events

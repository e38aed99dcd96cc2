"""Traces that go by their conversation: work that comes as one trace a call, or a record of it without a trace.

Such a trace has no span that names a run or a turn, no agent and no workflow; and every call in it of which all spans
above have arrived names one conversation, or lies below a span that does. Calls whose parents are still to come do not
count: most of them will lie below an agent. So a trace begins to go by its conversation at most once, and ends to at
most once.
"""

import numpy as np

from ledger.calls.columns import Frame, distinct
from ledger.calls.forest import LOG, METRIC, Forest
from ledger.calls.roles import AGENT, MODEL, TOOL, WORKFLOW

ACTIVE_NS_MAX = 24 * 3600 * 1_000_000_000
"""A call that says it took longer than a day has a wrong clock, and must not join all that was said in between."""


def note_talks(forest: Forest, rows: np.ndarray) -> tuple[np.ndarray, Frame]:
    """Note what `rows`, which are brought up to date, mean for how their traces go.

    Returns the traces that began or ended to go by their conversation, and where one goes by it and began to, or was
    active at times not known before: trace, event_seq, first_ns and last_ns of its calls.
    """
    traces, of = forest.traces, distinct(forest.nodes["trace"][rows], forest.traces.rows)
    first, last = traces["first_ns"][of], traces["last_ns"][of]
    _note_calls(forest, rows)
    talks = (traces["talk"][of] >= 0) & ~traces["keyed"][of] & ~traces["apart"][of]
    turned = talks != traces["talks"][of]
    traces["talks"][of] = talks
    active = of[talks & (turned | (traces["first_ns"][of] != first) | (traces["last_ns"][of] != last))]
    told = {name: traces[name][active] for name in ("event_seq", "first_ns", "last_ns")}
    return of[turned], {"trace": active, **told}


def _note_calls(forest: Forest, rows: np.ndarray) -> None:
    nodes, traces, role = forest.nodes, forest.traces, forest.nodes["role"][rows]
    keyed = (nodes["own_run"][rows] >= 0) | (nodes["own_turn"][rows] >= 0) | (role == AGENT) | (role == WORKFLOW)
    traces["keyed"][nodes["trace"][rows[keyed]]] = True
    calls = ((role == MODEL) | (role == TOOL)) & nodes["rooted"][rows]
    signal = nodes["signal"][rows]
    of_span = (signal == LOG) & (nodes["parent"][rows] >= 0)  # which says nothing that the span does not
    calls &= ~of_span & (signal < METRIC)
    rows = rows[calls]
    rows = rows[~traces["keyed"][nodes["trace"][rows]]]
    if len(rows):
        _note_conversations(forest, rows)


def _note_conversations(forest: Forest, calls: np.ndarray) -> None:
    nodes, traces = forest.nodes, forest.traces
    at, talk = nodes["trace"][calls], nodes["conversation"][calls]
    unnamed = traces["talk"][at] < 0
    traces["talk"][at[unnamed]] = talk[unnamed]  # of several one, no matter which: they are `apart` then
    traces["apart"][at[(talk < 0) | (traces["talk"][at] != talk)]] = True
    last = np.minimum(nodes["ended_ns"][calls], nodes["charged_ns"][calls])  # which is no later than its receipt allows
    first = np.clip(nodes["began_ns"][calls], last - ACTIVE_NS_MAX, last)
    np.minimum.at(traces["first_ns"], at, first)
    np.maximum.at(traces["last_ns"], at, last)

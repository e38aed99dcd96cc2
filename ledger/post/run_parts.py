"""Rows of `run_parts`: what each trace that a batch touched holds of which runs, complete as of its last event.

A later row of a trace puts out of force all earlier ones of that trace, so no row is ever counted together with what it
replaces, whatever lies in which file. Made anew from the open trace rather than added up: a span that moves to another
run takes its start, its end and its part in the top with it, which no difference says.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.columns import Columns, Frame
from ledger.calls.forest import SPAN, Forest
from ledger.calls.roles import AGENT, MODEL, TOOL, WORKFLOW
from ledger.calls.rules import RUN_BY_CONVERSATION, RUN_CODED, RUN_RULES
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.names import Names, words
from ledger.post.parts import LATEST, Parts
from ledger.post.repeats import most_repeats
from ledger.schema import ARROW, TEXTS

ROOT_TOP, AGENT_TOP, OTHER_TOP, NO_SPAN_TOP = range(4)


def run_part_rows(parts: Parts, texts: Texts, store: LineStore, placed: Frame) -> tuple[pa.Table, np.ndarray]:
    """schema.RUN_PARTS of `parts`, those of the traces of `placed` (calls.place, a whole batch), and which of the rows
    are of runs that had nothing of their trace before."""
    forest = parts.forest
    is_new = parts.least(parts.own("p_seq")) >= placed["p_seq"].min()
    nodes, names = forest.nodes, Names(forest, texts)
    role, rank = parts.own("role"), _rank(parts)
    top = _first(parts, rank, np.arange(len(parts.rows)))
    started = parts.least(parts.own("began_ns"))
    top_ns = nodes["began_ns"][top]
    calls, spans = parts.own("p_billed"), parts.own("signal") == SPAN
    models, tools = calls & (role == MODEL), calls & (role == TOOL)
    agents = names.agents(parts.rows[calls], parts.own("p_agent")[calls])
    columns = {
        "tenant": names.tenants(top),
        "trace_id": names.trace_ids(top),
        "event_seq": pa.array(_last_events(forest, placed)[nodes["trace"][top]]),
        "first_seq": pa.array(_first_events(parts)[nodes["trace"][top]]),
        "run_id": names.run_ids(top, nodes["p_rule"][top], nodes["p_run"][top]),
        "run_rule": words(RUN_RULES, nodes["p_rule"][top]),
        "agent_name": names.agents(top, nodes["p_agent"][top]),
        "service_name": texts.service.texts(nodes["service"][top]),
        "environment": texts.environment.texts(nodes["environment"][top]),
        "conversation_id": texts.conversation.texts(_named(parts, rank, top, "p_conversation")),
        "user_id": texts.user.texts(_named(parts, rank, top, "p_user")),
        "top_rank": pa.array(parts.least(rank).astype(np.int32)),
        "top_ns": pa.array(top_ns, mask=top_ns == started),
        "started_ns": pa.array(started),
        "ended_ns": pa.array(-parts.least(-parts.own("ended_ns"))),
        "has_agent": pa.array(parts.number((role == AGENT) | (role == WORKFLOW)) > 0),
        "has_orphan": pa.array(parts.number(_orphans(parts, role)) > 0),
        "spans": pa.array(parts.number(spans)),
        "errors": pa.array(parts.number(spans & parts.own("failed"))),
        "model_calls": pa.array(parts.number(models)),
        "tool_calls": pa.array(parts.number(tools)),
        "input_tokens": parts.total(parts.own("input_tokens"), models & parts.own("input_known")),
        "output_tokens": parts.total(parts.own("output_tokens"), models & parts.own("output_known")),
        **_costs(parts, store),
        "agents": _sets(parts, calls, agents),
        "models": _sets(parts, calls, texts.model.texts(parts.own("model")[calls])),
        "elsewhere": pa.array(_elsewhere(nodes, top)),
        "repeats": pa.array(most_repeats(parts, calls, agents)),
        "talk_run_id": _talk_runs(forest, names, top),
        "tools": _sets(parts, tools, texts.tool.texts(parts.own("tool")[tools])),
    }
    return pa.table([columns[name] for name in ARROW["run_parts"].names], schema=ARROW["run_parts"]), is_new


def _elsewhere(nodes: Columns, top: np.ndarray) -> np.ndarray:
    """Whether the run of each top is named after another trace than its own."""
    named_by = np.where(np.isin(nodes["p_rule"][top], RUN_CODED), -1, nodes["p_run"][top])
    found: np.ndarray = (named_by >= 0) & (nodes["trace"][named_by] != nodes["trace"][top])
    return found


def _talk_runs(forest: Forest, names: Names, top: np.ndarray) -> pa.Array:
    """Run of the conversation that the trace of each top goes by, NULL where that is the top's run, or it has none."""
    nodes, traces = forest.nodes, forest.traces
    talks = traces["talks"][nodes["trace"][top]]
    own = (nodes["p_rule"][top] == RUN_BY_CONVERSATION) & ~_elsewhere(nodes, top)
    if not (talks & ~own).any():
        return pa.nulls(len(top), ARROW["run_parts"].field("talk_run_id").type)
    ids = names.run_ids(top, np.full(len(top), RUN_BY_CONVERSATION), np.full(len(top), -1))
    return pc.if_else(pa.array(talks & ~own), ids, pa.scalar(None, ids.type))


def _rank(parts: Parts) -> np.ndarray:
    role = parts.own("role")
    agent = np.where((role == AGENT) | (role == WORKFLOW), AGENT_TOP, OTHER_TOP)
    rank = np.where(parts.own("is_root"), ROOT_TOP, agent)
    return np.where(parts.own("signal") == SPAN, rank, NO_SPAN_TOP)


def _first(parts: Parts, rank: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Row of each part's first span among positions `among`: least in rank, start, span id. -1 where none is."""
    best = among
    for key in (rank, parts.own("began_ns")):
        least = np.full(parts.count, LATEST)
        np.minimum.at(least, parts.part[best], key[best])
        best = best[key[best] == least[parts.part[best]]]
    best = best[np.argsort(parts.own("span")[best], kind="stable")]
    first = np.full(parts.count, -1, dtype=np.int64)
    first[parts.part[best][::-1]] = parts.rows[best][
        ::-1
    ]  # of several the last to be written stays: the first in order
    return first


def _named(parts: Parts, rank: np.ndarray, top: np.ndarray, name: str) -> np.ndarray:
    """Code of the conversation or user of each part: that of its first span that has one, which mostly is the top."""
    codes: np.ndarray = parts.forest.nodes[name][top]
    missing = codes < 0
    if missing.any():
        first = _first(parts, rank, np.flatnonzero(missing[parts.part] & (parts.own(name) >= 0)))
        codes = np.where(first >= 0, parts.forest.nodes[name][first], codes)
    return codes


def _first_events(parts: Parts) -> np.ndarray:
    """The first event of each trace, by trace row."""
    first = np.full(parts.forest.traces.rows, LATEST)
    np.minimum.at(first, parts.own("trace"), parts.own("source_seq"))
    return first


def _last_events(forest: Forest, placed: Frame) -> np.ndarray:
    """The last event of `placed` that changed a placement of each trace, by trace row: also of a span of no run."""
    last = np.full(forest.traces.rows, -1, dtype=np.int64)
    np.maximum.at(last, forest.nodes["trace"][placed["row"]], placed["p_seq"])
    return last


def _orphans(parts: Parts, role: np.ndarray) -> np.ndarray:
    """Spans whose parent has not arrived. That of an agent may lie in a program that is not observed."""
    parent = parts.own("parent")
    orphans: np.ndarray = (parent >= 0) & ~parts.forest.nodes["real"][parent] & (role != AGENT) & (role != WORKFLOW)
    orphans &= parts.own("signal") == SPAN
    return orphans


def _costs(parts: Parts, store: LineStore) -> dict[str, pa.Array]:
    """cost_usd and unpriced_calls: of the lines of every call whose booking stands, where the view is that bills it."""
    nodes = parts.forest.nodes
    billed = parts.own("p_billed") & (nodes["b_row"][parts.own("p_call")] == parts.rows)
    views, part_of, calls = parts.rows[billed], parts.part[billed], parts.own("p_call")[billed]
    unpriced = np.bincount(part_of[nodes["unpriced"][views]], minlength=parts.count)
    which, _, number = spread(nodes["b_line_first"][calls], nodes["b_line_count"][calls])
    lines = pa.table({"part": part_of[which], "cost_usd": store.costs(number)})
    sums = lines.group_by("part", use_threads=False).aggregate([("cost_usd", "sum")])
    at = pc.index_in(pa.array(np.arange(parts.count)), value_set=sums["part"].combine_chunks())
    return {"cost_usd": sums["cost_usd_sum"].combine_chunks().take(at), "unpriced_calls": pa.array(unpriced)}


def _sets(parts: Parts, which: np.ndarray, texts: pa.Array) -> pa.Array:
    """The distinct `texts` of each part, in order; `texts[i]` is that of the i-th position in the mask `which`."""
    known = texts.is_valid().to_numpy(zero_copy_only=False)
    pairs = pa.table({"part": parts.part[which][known], "text": texts.filter(pa.array(known))})
    distinct = pairs.group_by(["part", "text"], use_threads=False).aggregate([])
    distinct = distinct.sort_by([("part", "ascending"), ("text", "ascending")])
    offsets = np.searchsorted(distinct["part"].to_numpy(), np.arange(parts.count + 1)).astype(np.int32)
    values = distinct["text"].combine_chunks() if distinct.num_rows else pa.array([], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(TEXTS)

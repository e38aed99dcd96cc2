"""Charge lines of postings."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls.booking import ENTRIES, REVERSAL
from ledger.calls.columns import Frame
from ledger.calls.forest import SIGNALS, Forest
from ledger.calls.roles import TOOL
from ledger.post.intake import Texts
from ledger.post.lines import LineStore, spread
from ledger.post.names import Names, words
from ledger.post.rollups import fee_tools, rollup_rows
from ledger.schema import ARROW


def charge_rows(forest: Forest, texts: Texts, store: LineStore, postings: Frame) -> tuple[pa.Table, pa.Table]:
    """schema.CHARGES of `postings` (calls.booking), without recorded_ns, and schema.ROLLUPS, summed."""
    which, position, number = spread(postings["line_first"], postings["line_count"])
    lines = store.take(number)
    charges = _charges(forest, texts, lines, {name: values[which] for name, values in postings.items()}, position)
    return charges, rollup_rows(forest, texts, postings, which, lines)


def _charges(forest: Forest, texts: Texts, lines: pa.Table, at: Frame, position: np.ndarray) -> pa.Table:
    """schema.CHARGES without recorded_ns, which belongs to the event. `at`: the posting of each line."""
    nodes, names = forest.nodes, Names(forest, texts)
    calls, views, entry = at["call"], at["view"], at["entry"]
    is_tool, forward = nodes["role"][views] == TOOL, entry != REVERSAL
    own_tool = texts.tool.texts(np.where(is_tool, nodes["tool"][views], -1))
    columns = {
        "tenant": names.tenants(views),
        "trace_id": names.trace_ids(views),
        "signal": words(SIGNALS, nodes["signal"][views]),
        "run_id": names.run_ids(views, at["rule"], at["run"]),
        "agent_name": names.agents(views, at["agent"]),
        "service_name": texts.service.texts(nodes["service"][views]),
        "environment": texts.environment.texts(nodes["environment"][views]),
        "provider": texts.provider.texts(nodes["provider"][views]),
        "model": texts.model.texts(np.where(is_tool, -1, nodes["model"][views])),
        "tool_name": pc.coalesce(own_tool, fee_tools(lines["unit"])),
        "user_id": texts.user.texts(at["user"]),
        "team": texts.team.texts(at["team"]),
        "beneath_tool": texts.tool.texts(at["beneath"]),
        **{name: lines[name] for name in lines.column_names},
        "entry": words(ENTRIES, entry),
        "charged_ns": pa.array(nodes["charged_ns"][views]),
        "accounting_ns": pa.nulls(len(views), pa.int64()),
        "recorded_ns": pa.nulls(len(views), pa.int64()),
        "event_seq": pa.array(at["event_seq"]),
        "line": pa.array((at["first"] + position).astype(np.int32)),
        "span_id": names.span_ids(views),
        "call_span_id": names.span_ids_elsewhere(calls, views),
        "call_trace_id": names.call_trace_ids(calls, names.trace_ids(views)),
        "reverses_seq": pa.array(at["back_seq"], mask=forward),
        "reverses_line": pa.array((at["back_first"] + position).astype(np.int32), mask=forward),
    }
    return pa.table([columns[name] for name in ARROW["charges"].names], schema=ARROW["charges"])

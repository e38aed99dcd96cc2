"""Rows of `placements` from what changed."""

import numpy as np
import pyarrow as pa

from ledger.calls.columns import Frame
from ledger.calls.forest import SIGNALS, Forest
from ledger.calls.rules import AGENT_RULES, REASONS, RUN_RULES
from ledger.post.intake import Texts
from ledger.post.names import KINDS, Names, words
from ledger.schema import ARROW


def placement_rows(forest: Forest, texts: Texts, placed: Frame) -> pa.Table:
    """schema.PLACEMENTS of what `place` gave."""
    rows, nodes, names = placed["row"], forest.nodes, Names(forest, texts)
    is_view, named = placed["p_call"] >= 0, names.naming_trace_ids(rows)
    other = np.where(placed["p_call"] == rows, -1, placed["p_call"])
    columns = {
        "tenant": names.tenants(rows),
        "trace_id": names.trace_ids(rows),
        "signal": words(SIGNALS, nodes["signal"][rows]),
        "run_id": names.run_ids(rows, placed["p_rule"], placed["p_run"]),
        "run_rule": words(RUN_RULES, placed["p_rule"]),
        "agent_name": names.agents(rows, placed["p_agent"]),
        "agent_rule": words(AGENT_RULES, placed["p_agent"] >= 0),
        "conversation_id": texts.conversation.texts(placed["p_conversation"]),
        "user_id": texts.user.texts(placed["p_user"]),
        "team": texts.team.texts(placed["p_team"]),
        "beneath_tool": texts.tool.texts(placed["p_beneath"]),
        "kind": words(KINDS, nodes["role"][rows]),
        "billed": pa.array(placed["p_billed"], mask=~is_view),
        "reason": words(REASONS, placed["p_reason"]),
        "event_seq": pa.array(placed["p_seq"]),
        "source_seq": pa.array(nodes["source_seq"][rows]),
        "span_index": pa.array(nodes["span_index"][rows]),
        "replaces_seq": pa.array(placed["before"], mask=placed["before"] < 0),
        "call_span_id": names.span_ids(other),
        "call_trace_id": names.call_trace_ids(other, named),
        "duplicate_of_trace_id": names.call_trace_ids(placed["p_dup"], named),
        "duplicate_of_span_id": names.span_ids(placed["p_dup"]),
    }
    return pa.table([columns[name] for name in ARROW["placements"].names], schema=ARROW["placements"])

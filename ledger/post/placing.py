"""Rows of `placements` and `superseded` from what changed."""

import numpy as np
import pyarrow as pa

from ledger.calls.columns import Frame
from ledger.calls.forest import Forest
from ledger.calls.roles import KIND_OF, ROLE_NAMES
from ledger.calls.rules import AGENT_RULES, REASONS, RUN_RULES
from ledger.post.intake import Texts
from ledger.post.names import Names
from ledger.schema import ARROW

KINDS = tuple(KIND_OF.get(role) for role in range(len(ROLE_NAMES)))
"""Kind of call by role; None where a span of that role is no view."""


def placement_rows(forest: Forest, texts: Texts, placed: Frame) -> pa.Table:
    """schema.PLACEMENTS of what `place` gave."""
    rows, names = placed["row"], Names(forest, texts)
    is_view = placed["p_call"] >= 0
    columns = {
        "tenant": names.tenants(rows),
        "trace_id": names.trace_ids(rows),
        "span_id": names.span_ids(rows),
        "run_id": names.run_ids(rows, placed["p_rule"], placed["p_run"]),
        "run_rule": words(RUN_RULES, placed["p_rule"]),
        "agent_name": names.agents(rows, placed["p_agent"]),
        "agent_rule": words(AGENT_RULES, placed["p_agent"] >= 0),
        "conversation_id": texts.conversation.texts(placed["p_conversation"]),
        "user_id": texts.user.texts(placed["p_user"]),
        "team": texts.team.texts(placed["p_team"]),
        "kind": words(KINDS, forest.nodes["role"][rows]),
        "view_id": names.view_ids(np.where(is_view, rows, -1)),
        "call_id": names.view_ids(placed["p_call"]),
        "billed": pa.array(placed["p_billed"], mask=~is_view),
        "reason": words(REASONS, placed["p_reason"]),
        "duplicate_of": names.view_ids(placed["p_dup"]),
        "event_seq": pa.array(placed["p_seq"]),
    }
    return pa.table([columns[name] for name in ARROW["placements"].names], schema=ARROW["placements"])


def superseded_rows(forest: Forest, texts: Texts, placed: Frame) -> pa.Table:
    """schema.SUPERSEDED for the rows that `placed` puts out of force."""
    old = placed["before"] >= 0
    rows, names = placed["row"][old], Names(forest, texts)
    columns = [
        pa.repeat(pa.scalar("placements"), len(rows)),
        names.tenants(rows),
        names.trace_ids(rows),
        names.span_ids(rows),
        pa.array(placed["before"][old]),
        pa.array(placed["p_seq"][old]),
    ]
    return pa.table(columns, schema=ARROW["superseded"])


def words(table: tuple[str | None, ...], codes: np.ndarray) -> pa.Array:
    """Text column from small numbers."""
    return pa.array(list(table), type=pa.string()).take(pa.array(codes.astype(np.int64)))

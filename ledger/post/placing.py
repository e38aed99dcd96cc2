"""Rows of `placements` and `superseded` from what changed."""

import numpy as np
import pyarrow as pa

from ledger.calls.forest import Forest
from ledger.calls.place import Change
from ledger.calls.roles import KIND_OF, ROLE_NAMES
from ledger.calls.rules import AGENT_RULES, REASONS, RUN_RULES
from ledger.post.intake import Texts
from ledger.post.names import Names
from ledger.schema import ARROW

KINDS = tuple(KIND_OF.get(role) for role in range(len(ROLE_NAMES)))
"""Kind of call by role; None where a span of that role is no view."""


def placement_rows(forest: Forest, texts: Texts, change: Change) -> pa.Table:
    """schema.PLACEMENTS of the spans in `change`, as the forest has them now."""
    nodes, rows, names = forest.nodes, change.rows, Names(forest, texts)
    is_view = nodes["p_call"][rows] >= 0
    columns = {
        "tenant": names.tenants(rows),
        "trace_id": names.trace_ids(rows),
        "span_id": names.span_ids(rows),
        "run_id": names.run_ids(rows, nodes["p_rule"][rows], nodes["p_run"][rows]),
        "run_rule": words(RUN_RULES, nodes["p_rule"][rows]),
        "agent_name": names.agents(rows, nodes["p_agent"][rows]),
        "agent_rule": words(AGENT_RULES, nodes["p_agent"][rows] >= 0),
        "conversation_id": texts.conversation.texts(nodes["p_conversation"][rows]),
        "user_id": texts.user.texts(nodes["p_user"][rows]),
        "team": texts.team.texts(nodes["p_team"][rows]),
        "kind": words(KINDS, nodes["role"][rows]),
        "view_id": names.view_ids(np.where(is_view, rows, -1)),
        "call_id": names.view_ids(nodes["p_call"][rows]),
        "billed": pa.array(nodes["p_billed"][rows], mask=~is_view),
        "reason": words(REASONS, nodes["p_reason"][rows]),
        "duplicate_of": names.view_ids(nodes["p_dup"][rows]),
        "event_seq": pa.array(nodes["p_seq"][rows]),
    }
    return pa.table([columns[name] for name in ARROW["placements"].names], schema=ARROW["placements"])


def superseded_rows(forest: Forest, texts: Texts, change: Change) -> pa.Table:
    """schema.SUPERSEDED for the rows that `change` puts out of force."""
    old = change.before >= 0
    rows, names = change.rows[old], Names(forest, texts)
    columns = [
        pa.repeat(pa.scalar("placements"), len(rows)),
        names.tenants(rows),
        names.trace_ids(rows),
        names.span_ids(rows),
        pa.array(change.before[old]),
        pa.array(forest.nodes["p_seq"][rows]),
    ]
    return pa.table(columns, schema=ARROW["superseded"])


def words(table: tuple[str | None, ...], codes: np.ndarray) -> pa.Array:
    """Text column from small numbers."""
    return pa.array(list(table), type=pa.string()).take(pa.array(codes.astype(np.int64)))

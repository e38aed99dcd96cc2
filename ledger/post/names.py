"""From rows of the forest to the text and identities that tables show."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.calls import ids
from ledger.calls.columns import Columns, distinct, numbered
from ledger.calls.forest import SPAN, Forest
from ledger.calls.ids import ID_BYTES, fixed_binary
from ledger.calls.roles import KIND_OF, ROLE_NAMES
from ledger.calls.rules import (
    NO_RUN,
    RUN_BY_AGENT,
    RUN_BY_CONVERSATION,
    RUN_BY_TRACE,
    RUN_CODED,
    RUN_OF_TRACE,
    RUN_RULES,
)
from ledger.post.intake import Texts
from ledger.schema import SPAN_ID, TRACE_ID

KINDS = tuple(KIND_OF.get(role) for role in range(len(ROLE_NAMES)))
"""Kind of call by role; None where a span of that role is no view."""


def words(table: tuple[str | None, ...], codes: np.ndarray) -> pa.Array:
    """Text column from small numbers."""
    return pa.array(list(table), type=pa.string()).take(pa.array(codes.astype(np.int64)))


class Names:
    """Reads one forest and its texts. `rows` are row numbers, one a line of the table that is being made."""

    def __init__(self, forest: Forest, texts: Texts) -> None:
        self._forest, self._texts = forest, texts

    def trace_ids(self, rows: np.ndarray) -> pa.Array:
        traces = self._forest.traces
        trace = self._forest.nodes["trace"][rows]
        halves = np.stack([traces["hi"][trace], traces["lo"][trace]], axis=1)
        return fixed_binary(halves.astype(">u8").tobytes(), TRACE_ID.byte_width)

    def naming_trace_ids(self, rows: np.ndarray) -> pa.Array:
        """The trace id that a view is known by, beside `span_ids`: of a log record or reading its content hash."""
        ids, nodes = self.trace_ids(rows), self._forest.nodes
        others = nodes["signal"][rows] != SPAN
        if not others.any():
            return ids
        halves = np.stack([nodes["content_hi"][rows], nodes["content_lo"][rows]], axis=1)
        contents = fixed_binary(halves.astype(">u8").tobytes(), TRACE_ID.byte_width)
        return pc.if_else(pa.array(others), contents, ids)

    def call_trace_ids(self, rows: np.ndarray, beside: pa.Array) -> pa.Array:
        """`naming_trace_ids`, NULL for row -1 and where it is the same as `beside`."""
        ids = self.naming_trace_ids(rows)
        same = pc.or_(pc.equal(ids, beside), pa.array(rows < 0))
        return pc.if_else(same, pa.scalar(None, ids.type), ids)

    def span_ids(self, rows: np.ndarray) -> pa.Array:
        """Span id of each row, NULL for row -1; zeros, which are no id, for a log record or reading."""
        nodes = self._forest.nodes
        spans = np.where(nodes["signal"][rows] == SPAN, nodes["span"][rows], np.uint64(0))
        return fixed_binary(spans.astype(">u8").tobytes(), SPAN_ID.byte_width, nulls=rows < 0)

    def span_ids_elsewhere(self, rows: np.ndarray, than: np.ndarray) -> pa.Array:
        """`span_ids`, NULL where it is the same as that of the row `than`."""
        nodes = self._forest.nodes
        same = (rows == than) | ((nodes["signal"][rows] != SPAN) & (nodes["signal"][than] != SPAN))
        return self.span_ids(np.where(same, -1, rows))

    def tenants(self, rows: np.ndarray) -> pa.Array:
        tenant = self._forest.traces["tenant"][self._forest.nodes["trace"][rows]]
        return self._texts.tenant.texts(tenant.astype(np.int32))

    def agents(self, rows: np.ndarray, agent: np.ndarray) -> pa.Array:
        """Agent of each row where its code is known, else the service of the row."""
        services = self._texts.service.texts(self._forest.nodes["service"][rows])
        known = self._texts.agent.texts(agent)
        return pc.coalesce(known, services)

    def run_ids(self, rows: np.ndarray, rule: np.ndarray, run: np.ndarray) -> pa.Array:
        """Run id of each row from its rule and key (`place.place`), NULL where it has none."""
        halves = np.zeros((len(rows), 2), dtype=np.uint64)
        nodes, traces = self._forest.nodes, self._forest.traces
        trace = nodes["trace"][np.where(np.isin(rule, RUN_OF_TRACE) & (run >= 0), run, rows)]
        for number, owners, owner in ((RUN_BY_AGENT, nodes, run), (RUN_BY_TRACE, traces, trace)):
            which = np.flatnonzero(rule == number)
            self._know(owners, distinct(owner[which], owners.rows), number)
            for half, name in enumerate(("run_hi", "run_lo")):
                halves[which, half] = owners[name][owner[which]]
        which = np.flatnonzero(rule == RUN_BY_CONVERSATION)
        halves[which, 0], halves[which, 1] = traces["talk_hi"][trace[which]], traces["talk_lo"][trace[which]]
        for number in RUN_CODED:
            which = np.flatnonzero(rule == number)
            if len(which):
                halves[which] = self._named_halves(number, traces["tenant"][trace[which]], run[which])
        return fixed_binary(halves.astype(">u8").tobytes(), ID_BYTES, nulls=rule == NO_RUN)

    def _know(self, owners: Columns, rows: np.ndarray, rule: int) -> None:
        """Note the ids of the runs that are named after `rows` of the nodes or traces, where none was asked for yet."""
        rows = rows[~owners["run_known"][rows]]
        nodes, traces = self._forest.nodes, self._forest.traces
        trace = nodes["trace"][rows] if owners is nodes else rows
        keys = [traces["hi"][trace], traces["lo"][trace], *([nodes["span"][rows]] if owners is nodes else [])]
        tenants = traces["tenant"][trace]
        for tenant in np.unique(tenants).tolist():
            which = np.flatnonzero(tenants == tenant)
            before = ids.run(self._texts.tenant.text(tenant) or "", RUN_RULES[rule] or "")
            halves = ids.hashed(before, np.stack(keys, axis=1)[which])
            owners["run_hi"][rows[which]], owners["run_lo"][rows[which]] = halves[:, 0], halves[:, 1]
        owners["run_known"][rows] = True

    def _named_halves(self, rule: int, tenants: np.ndarray, texts: np.ndarray) -> np.ndarray:
        first, number = numbered(tenants, texts)
        distinct = zip(tenants[first].tolist(), texts[first].tolist(), strict=True)
        halves = [
            ids.hashed_text(
                ids.run(self._texts.tenant.text(tenant) or "", RUN_RULES[rule] or ""),
                self._texts.run.text(text) or "",
            )
            for tenant, text in distinct
        ]
        found: np.ndarray = np.array(halves, dtype=np.uint64)[number]
        return found

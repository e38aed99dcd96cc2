"""From rows of the forest to the text and identities that tables show."""

import numpy as np
import pyarrow as pa

from ledger.calls import ids
from ledger.calls.columns import numbered
from ledger.calls.forest import Forest
from ledger.calls.ids import ID_BYTES, fixed_binary
from ledger.calls.rules import RUN_BY_AGENT, RUN_BY_TRACE, RUN_EXPLICIT, RUN_RULES
from ledger.post.intake import Texts
from ledger.schema import SPAN_ID, TRACE_ID

KEY_PARTS = {RUN_BY_AGENT: 3, RUN_BY_TRACE: 2}
"""Parts of a run's key, of 8 bytes each: the trace id's halves, and the span id of the topmost agent."""


class Names:
    """Reads one forest and its texts. `rows` are row numbers, one a line of the table that is being made."""

    def __init__(self, forest: Forest, texts: Texts) -> None:
        self._forest, self._texts = forest, texts

    def trace_ids(self, rows: np.ndarray) -> pa.Array:
        traces = self._forest.traces
        trace = self._forest.nodes["trace"][rows]
        halves = np.stack([traces["hi"][trace], traces["lo"][trace]], axis=1)
        return fixed_binary(halves.astype(">u8").tobytes(), TRACE_ID.byte_width)

    def span_ids(self, rows: np.ndarray) -> pa.Array:
        """Span id of each row, NULL for row -1."""
        spans = self._forest.nodes["span"][rows].astype(">u8").tobytes()
        return fixed_binary(spans, SPAN_ID.byte_width, nulls=rows < 0)

    def tenants(self, rows: np.ndarray) -> pa.Array:
        tenant = self._forest.traces["tenant"][self._forest.nodes["trace"][rows]]
        return self._texts.tenant.texts(tenant.astype(np.int32))

    def agents(self, rows: np.ndarray, agent: np.ndarray) -> pa.Array:
        """Agent of each row where its code is known, else the service of the row."""
        services = self._texts.service.texts(self._forest.nodes["service"][rows])
        known = self._texts.agent.texts(agent)
        return pa.compute.coalesce(known, services)

    def run_ids(self, rows: np.ndarray, rule: np.ndarray, run: np.ndarray) -> pa.Array:
        """Run id of each row from its rule and key (`place.place`)."""
        trace = self._forest.nodes["trace"][rows]
        first, number = numbered(trace, rule, run)
        halves = self._run_halves(trace[first], rule[first], run[first])
        return fixed_binary(halves[number].astype(">u8").tobytes(), ID_BYTES)

    def _run_halves(self, trace: np.ndarray, rule: np.ndarray, run: np.ndarray) -> np.ndarray:
        traces, nodes = self._forest.traces, self._forest.nodes
        tenant = traces["tenant"][trace]
        keys = np.stack([traces["hi"][trace], traces["lo"][trace], nodes["span"][run]], axis=1)
        halves = np.zeros((len(trace), 2), dtype=np.uint64)
        for code, number in set(zip(tenant.tolist(), rule.tolist(), strict=True)):
            which = np.flatnonzero((tenant == code) & (rule == number))
            before = ids.run(self._texts.tenant.text(code) or "", RUN_RULES[number])
            if number == RUN_EXPLICIT:
                texts = [self._texts.run.text(key) or "" for key in run[which].tolist()]
                halves[which] = [ids.hashed_text(before, text) for text in texts]
            else:
                halves[which] = ids.hashed(before, keys[which, : KEY_PARTS[number]])
        return halves

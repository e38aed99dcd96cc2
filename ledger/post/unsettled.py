"""Which open traces have something left to be settled, and what was settled in them before more came."""

import numpy as np
import pyarrow as pa

from ledger.calls.columns import distinct
from ledger.calls.residual import beyond_calls
from ledger.calls.settled import standing_in
from ledger.post.intake import intake
from ledger.post.open_traces import OpenTraces, Outcome
from ledger.post.residuals import residual_rows
from ledger.store.unsettled import Trace


class Unsettled:
    """Of the traces that are open in `open_traces`."""

    def __init__(self, open_traces: OpenTraces) -> None:
        self._open = open_traces

    def residuals(self, views: pa.Table, event_seq: int, first_index: int) -> pa.Table:
        """schema.RESIDUALS of the traces whose VIEWS these are, all of them, at the event `event_seq`."""
        forest = self._open.forest
        rows = forest.rows_of(intake(views, self._open.texts))
        beyond = beyond_calls(forest, distinct(forest.nodes["trace"][rows], forest.traces.rows))
        return residual_rows(beyond, views, rows, event_seq, first_index)

    def follow(self, outcome: Outcome) -> dict[Trace, int | None]:
        """Take back what was settled in traces that `outcome` touched later. Returns the event that touched each trace
        last where something is left to be settled, None where nothing is."""
        forest = self._open.forest
        if not outcome.placed:
            return {}
        trace = np.concatenate([forest.nodes["trace"][placed["row"]] for placed in outcome.placed])
        touched = distinct(trace, forest.traces.rows)
        touched = touched[forest.traces["sums_up"][touched]]
        if not len(touched):
            return {}
        seq = np.concatenate([placed["p_seq"] for placed in outcome.placed])
        first, last = np.full(forest.traces.rows, np.iinfo(np.int64).max), np.full(forest.traces.rows, -1)
        np.minimum.at(first, trace, seq)
        np.maximum.at(last, trace, seq)
        self._take_back(touched, first, outcome)
        left = {int(forest.nodes["trace"][one.row]) for one in beyond_calls(forest, touched)}
        return {self._key(row): int(last[row]) if row in left else None for row in touched.tolist()}

    def _take_back(self, touched: np.ndarray, first: np.ndarray, outcome: Outcome) -> None:
        """`first`: the event that touched each trace first."""
        nodes, traces = self._open.forest.nodes, self._open.forest.traces
        standing = standing_in(self._open.forest, touched)
        later = standing[first[nodes["trace"][standing]] > nodes["source_seq"][standing]]
        reopened = distinct(nodes["trace"][later], traces.rows)
        for event_seq in np.unique(first[reopened]).tolist():
            self._open.unsettle(reopened[first[reopened] == event_seq], outcome, event_seq)

    def _key(self, row: int) -> Trace:
        traces = self._open.forest.traces
        trace_id = b"".join(int(traces[half][row]).to_bytes(8, "big") for half in ("hi", "lo"))
        return self._open.texts.tenant.text(int(traces["tenant"][row])) or "", trace_id

"""Log records that were written for a model span, which they name: sightings of the call that the span reports.

A log record that names any other span, an agent's or a tool's, only says where the call belongs.
"""

from collections.abc import Iterator

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.forest import LOG, SPAN, Forest
from ledger.calls.roles import MODEL

LOGS_MAX = 8
"""Log records of one span that are compared, the first in journal order. More are no sightings of one call: each is a
call of its own."""


class SpanLogs:
    """Log records by the row of the span they name, which may not have arrived yet."""

    def __init__(self) -> None:
        self._of: dict[int, list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._of)

    def add(self, forest: Forest, rows: np.ndarray) -> set[int]:
        """Take in new rows. Returns those of model spans and their log records whose sightings changed."""
        nodes = forest.nodes
        signal, parent = nodes["signal"][rows], nodes["parent"][rows]
        touched = {row for row in rows[signal == SPAN].tolist() if row in self._of} if self._of else set[int]()
        written = (signal == LOG) & (parent >= 0)
        for row, span in zip(rows[written].tolist(), parent[written].tolist(), strict=True):
            logs = self._of.setdefault(span, [])
            if len(logs) < LOGS_MAX:
                logs.append(row)
                touched.add(span)
        spans = [span for span in touched if _is_model(nodes, span)]
        return {row for span in spans for row in (span, *self._of[span])}

    def of(self, forest: Forest, row: int) -> Iterator[int]:
        """Log records of the model span `row`, or the model span of the log record `row`."""
        nodes = forest.nodes
        if nodes["signal"][row] == SPAN:
            yield from self._of.get(row, ())
        elif (span := int(nodes["parent"][row])) >= 0 and _is_model(nodes, span) and row in self._of[span]:
            yield span

    def renumber(self, renumber: np.ndarray) -> None:
        """Follow the rows that `Forest.evict` kept: a span and all its log records, or none."""
        self._of = {
            int(renumber[span]): [int(renumber[row]) for row in logs]
            for span, logs in self._of.items()
            if renumber[span] >= 0
        }


def _is_model(nodes: Columns, row: int) -> bool:
    return bool(nodes["real"][row] and nodes["role"][row] == MODEL)

"""Runs of traces that go by their conversation: named, joined and led into each other in the order of events.

A trace keeps the run id it was given first. Where an activity joins two runs, the id of one leads to the other from
then on: a row of `run_merges`, which the views follow. No placement or charge is written anew for it.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

from ledger.calls import ids
from ledger.calls.columns import Frame, stacked
from ledger.calls.forest import Forest
from ledger.calls.intervals import GAP_NS, Interval, Intervals
from ledger.calls.rules import RUN_BY_CONVERSATION, RUN_RULES
from ledger.post.intake import Texts
from ledger.schema import ARROW
from ledger.store.activity import Row
from ledger.store.catalog import Catalog

Item = tuple[int, int, int, int]
"""An activity: trace row, event_seq, first_ns, last_ns."""
Merge = tuple[str, bytes, bytes, int]
"""A row of schema.RUN_MERGES."""
CONVERSATION_RULE = str(RUN_RULES[RUN_BY_CONVERSATION])


class Conversations:
    """Those that one batch touches. `catalog` has them as of the commit before."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._touched: dict[bytes, Intervals] = {}

    def join(self, forest: Forest, texts: Texts, active: Sequence[Frame]) -> pa.Table:
        """Note the activities `active` (calls.talks), and name the run of each trace that had none yet.

        Returns schema.RUN_MERGES. Frames of later calls must be of later events.
        """
        merges: list[Merge] = []
        items = stacked(active) if active else {}
        if items and len(items["trace"]):
            for tenant, talk, part in _by_conversation(forest, items):
                named = texts.tenant.text(tenant) or "", texts.conversation.text(talk) or ""
                merges += self._join_one(forest, *named, part)
        schema = ARROW["run_merges"]
        columns = zip(*merges, strict=True) if merges else [[]] * len(schema)
        return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema)

    def rows(self) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, *Row]]]:
        """What `store.activity.put` takes."""
        gone = [(key, start_ns) for key, touched in self._touched.items() for start_ns in touched.gone]
        rows = [
            (key, each.start_ns, each.end_ns, each.run_id, each.names)
            for key, touched in self._touched.items()
            for each in touched.changed.values()
        ]
        return gone, rows

    def _join_one(self, forest: Forest, tenant: str, talk: str, items: list[Item]) -> Iterator[Merge]:
        key = sha256(ids.field(tenant.encode()) + talk.encode()).digest()[: ids.ID_BYTES]
        intervals = self._touched.setdefault(key, Intervals())
        for start_ns, end_ns in _stretches(items):
            near = self._catalog.near(key, start_ns - GAP_NS, end_ns + GAP_NS)
            intervals.load(Interval(*row, stored_ns=row[0]) for row in near)
        traces = forest.traces
        for trace, event_seq, start_ns, end_ns in items:
            touched = intervals.touching(start_ns, end_ns)
            if touched:
                interval, others = intervals.join(touched, start_ns, end_ns)
                yield from ((tenant, other.run_id, interval.run_id, event_seq) for other in others)
                run_id = interval.run_id
            else:
                run_id = ids.conversation_run(tenant, talk, start_ns)
                intervals.begin(start_ns, end_ns, run_id)
            if not traces["talk_known"][trace]:
                traces["talk_known"][trace] = True
                traces["talk_hi"][trace], traces["talk_lo"][trace] = np.frombuffer(run_id, ">u8")


def _by_conversation(forest: Forest, items: Frame) -> Iterator[tuple[int, int, list[Item]]]:
    """Code of the tenant, code of the conversation, and its items in the order of events, then of time."""
    traces, trace = forest.traces, items["trace"]
    tenant, talk = traces["tenant"][trace], traces["talk"][trace]
    order = np.lexsort((traces["lo"][trace], traces["hi"][trace], items["first_ns"], items["event_seq"], talk, tenant))
    bounds = np.flatnonzero((np.diff(tenant[order]) != 0) | (np.diff(talk[order]) != 0)) + 1
    columns = [items[name][order].tolist() for name in ("trace", "event_seq", "first_ns", "last_ns")]
    whole: list[Item] = list(zip(*columns, strict=True))
    for first, last in zip([0, *bounds.tolist()], [*bounds.tolist(), len(whole)], strict=True):
        yield int(tenant[order[first]]), int(talk[order[first]]), whole[first:last]


def _stretches(items: list[Item]) -> Iterator[tuple[int, int]]:
    """The times that `items` cover, apart where they are more than GAP_NS apart: nothing between them is read."""
    times = sorted((item[2], item[3]) for item in items)
    start_ns, end_ns = times[0]
    for first_ns, last_ns in times:
        if first_ns > end_ns + GAP_NS:
            yield start_ns, end_ns
            start_ns = first_ns
        end_ns = max(end_ns, last_ns)
    yield start_ns, end_ns

"""Runs of traces that go by their conversation: named, joined and led into each other in the order of events.

A trace keeps the run id it was given first. Where an activity joins two runs, the id of one leads to the other from
then on: a row of `run_merges`, which the views follow. No placement or charge is written anew for it.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

from ledger.calls import ids
from ledger.calls.columns import Frame, stacked, starts
from ledger.calls.forest import Forest
from ledger.calls.intervals import GAP_NS, Interval, Intervals
from ledger.calls.rules import RUN_BY_CONVERSATION, RUN_RULES
from ledger.post.intake import Texts
from ledger.schema import ARROW
from ledger.store.activity import Row
from ledger.store.catalog import Catalog

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

    def _join_one(self, forest: Forest, tenant: str, talk: str, items: Frame) -> Iterator[Merge]:
        key = sha256(ids.field(tenant.encode()) + talk.encode()).digest()[: ids.ID_BYTES]
        intervals = self._touched.setdefault(key, Intervals())
        stretches = _stretches(items)
        for start_ns, end_ns in stretches:
            near = self._catalog.near(key, start_ns - GAP_NS, end_ns + GAP_NS)
            intervals.load(Interval(*row, stored_ns=row[0]) for row in near)
        known = intervals.touching(*stretches[0])
        at_once = len(items["trace"]) > 1 and len(stretches) == 1 and len(known) < 2 and _is_one_run(known, items)
        for traces, event_seq, start_ns, end_ns in _whole(items) if at_once else _one_by_one(items):
            touched = intervals.touching(start_ns, end_ns)
            if touched:
                interval, others = intervals.join(touched, start_ns, end_ns)
                yield from ((tenant, other.run_id, interval.run_id, event_seq) for other in others)
            else:
                began_ns = int(items["first_ns"][0]) if at_once else start_ns  # named after what came first
                interval = intervals.begin(start_ns, end_ns, ids.conversation_run(tenant, talk, began_ns))
            _name(forest, traces, interval.run_id)


def _name(forest: Forest, rows: np.ndarray, run_id: bytes) -> None:
    """Give those of the traces `rows` that have no run of their conversation this one."""
    traces = forest.traces
    rows = rows[~traces["talk_known"][rows]]
    traces["talk_known"][rows] = True
    traces["talk_hi"][rows], traces["talk_lo"][rows] = np.frombuffer(run_id, ">u8")


def _by_conversation(forest: Forest, items: Frame) -> Iterator[tuple[int, int, Frame]]:
    """Code of the tenant, code of the conversation, and its items in the order of events, then of time."""
    traces, trace = forest.traces, items["trace"]
    tenant, talk = traces["tenant"][trace], traces["talk"][trace]
    order = np.lexsort((traces["lo"][trace], traces["hi"][trace], items["first_ns"], items["event_seq"], talk, tenant))
    ordered = {name: values[order] for name, values in items.items()}
    bounds = np.flatnonzero(starts(tenant[order], talk[order])).tolist()
    for first, last in zip(bounds, [*bounds[1:], len(order)], strict=True):
        at = order[first]
        yield int(tenant[at]), int(talk[at]), {name: values[first:last] for name, values in ordered.items()}


def _stretches(items: Frame) -> list[tuple[int, int]]:
    """The times that `items` cover, apart where they are more than GAP_NS apart: nothing between them is read."""
    if len(items["trace"]) == 1:
        return [(int(items["first_ns"][0]), int(items["last_ns"][0]))]
    order = np.argsort(items["first_ns"], kind="stable")
    first, reach = items["first_ns"][order], np.maximum.accumulate(items["last_ns"][order])
    apart = np.flatnonzero(first[1:] > reach[:-1] + GAP_NS)
    return list(zip(first[[0, *(apart + 1)]].tolist(), reach[[*apart, -1]].tolist(), strict=True))


def _is_one_run(known: Sequence[Interval], items: Frame) -> bool:
    """Whether each of `items` in its turn joins the one interval `known`, or that of the first of them."""
    began, ended = (known[0].start_ns, known[0].end_ns) if known else (items["first_ns"][0], items["last_ns"][0])
    begin = np.minimum.accumulate(np.append(began, items["first_ns"]))[:-1]
    end = np.maximum.accumulate(np.append(ended, items["last_ns"]))[:-1]
    return bool((items["first_ns"] <= end + GAP_NS).all() and (items["last_ns"] >= begin - GAP_NS).all())


Part = tuple[np.ndarray, int, int, int]
"""Trace rows that are active together, event_seq, start_ns, end_ns."""


def _whole(items: Frame) -> Iterator[Part]:
    yield items["trace"], int(items["event_seq"][-1]), int(items["first_ns"].min()), int(items["last_ns"].max())


def _one_by_one(items: Frame) -> Iterator[Part]:
    told = [items[name].tolist() for name in ("event_seq", "first_ns", "last_ns")]
    for at, (event_seq, first_ns, last_ns) in enumerate(zip(*told, strict=True)):
        yield items["trace"][at : at + 1], event_seq, first_ns, last_ns

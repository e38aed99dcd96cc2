"""One merge at a time, written beside posting: begun and exchanged by the poster between commits, written elsewhere.

Where it is written is the executor's to say. While it is, commits and flushes go on: they add files and take none away,
so what is merged stays as it was. A file that is not exchanged in the end is one that no manifest names, and goes.
(docs/adr/0020)
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from typing import TypeVar

from ledger.store import merge, segment, traces, whole
from ledger.store.manifest import Segment, TraceRun
from ledger.store.options import StoreOptions
from ledger.store.shelf import Added, OnFile, Shelf, run_path, segment_path

T = TypeVar("T")

CROWDED_WAIT_S = 1.0
"""How long each commit waits for the merge where too many files wait for it: a third of what an end may take."""


class GivenUp(Exception):
    """The merge must not go on: the poster ends, or the disk has got too full for it."""


@dataclass(frozen=True)
class Merge:
    """`old` become the one file `path`; `table` is where the manifest has them."""

    table: str
    old: Sequence[Segment] | Sequence[TraceRun]
    path: str
    write: Callable[[], Added]


class Merger:
    """Keeps files few. For the one writer, and closed before its lock is released."""

    def __init__(self, shelf: Shelf, executor: Executor, options: StoreOptions) -> None:
        self._shelf, self._executor, self._options = shelf, executor, options
        self._under_way: tuple[Merge, Future[Added]] | None = None
        self._ending = threading.Event()

    def step(self, now_ns: int) -> None:
        """Exchange the merge that is written, begin one that is due: of runs first, since every probe asks all of them.

        Raises what kept a merge from being written; it is begun again by the next step."""
        self._exchange(now_ns)
        for due in (self._runs_due, self._segments_due):
            if self._under_way is None and (found := due()):
                self._under_way = found, self._executor.submit(self._written, found)
                self._exchange(now_ns)

    def await_written(self) -> None:
        """Return once no merge is being written: its memory is free then. It is exchanged by the next step."""
        if self._under_way is not None:
            self._under_way[1].exception()

    def end(self) -> None:
        """Tell the merge under way to give up, without waiting."""
        self._ending.set()

    def close(self) -> None:
        """Give up the merge under way, and return once nothing is written any more.

        A file that was whole before stays: its exchange may have failed, and then only the next open knows whether the
        manifest names it. What no manifest names it removes."""
        self.end()
        self.await_written()
        self._under_way = None

    def _exchange(self, now_ns: int) -> None:
        if self._under_way is None:
            return
        found, future = self._under_way
        if not future.done() and self._is_crowded():
            wait([future], CROWDED_WAIT_S)
        if not future.done():
            return
        error = future.exception()
        if error is None:
            self._shelf.exchange(found.table, found.old, future.result(), now_ns)
        self._under_way = None
        if error is not None and not isinstance(error, GivenUp):
            raise error

    def _is_crowded(self) -> bool:
        largest = self._options.segment_bytes_max
        waiting = Counter((s.table_name, s.shard, s.day) for s in self._shelf.segments if s.file_bytes < largest)
        return max(waiting.values(), default=0) > self._options.merge_files_waiting_max

    def _runs_due(self) -> Merge | None:
        options = self._options
        candidates = ((0, record.pairs, (record, run)) for record, run in self._shelf.runs_on_file)
        due = merge.due(candidates, fan_in=options.run_fan_in, smallest=options.run_pairs_min, largest=1 << 62)
        if due is None or not self._has_room(sum(traces.file_bytes(record.pairs) for record, _ in due)):
            return None
        number, old = self._shelf.next_number(), [record for record, _ in due]
        return Merge("trace_run", old, run_path(number), lambda: self._merge_runs(number, due))

    def _segments_due(self) -> Merge | None:
        options = self._options
        candidates = (((s.table_name, s.shard, s.day), s.file_bytes, s) for s in self._shelf.segments)
        old = merge.due(
            candidates,
            fan_in=options.segment_fan_in,
            smallest=options.segment_bytes_min,
            largest=options.segment_bytes_max,
        )
        if old is None or not self._has_room(sum(part.file_bytes for part in old)):
            return None
        planned = replace(
            old[0],
            file_number=self._shelf.next_number(),
            rows=sum(part.rows for part in old),
            first_seq=min(part.first_seq for part in old),
            last_seq=max(part.last_seq for part in old),
        )
        return Merge("segment", old, segment_path(planned), lambda: self._merge_segments(planned, old))

    def _has_room(self, file_bytes: int = 0) -> bool:
        """Whether new files of that size leave enough for the journal: merging can wait, acks cannot."""
        return self._shelf.free_bytes() - file_bytes >= self._options.merge_free_bytes_min

    # --- in the executor ----------------------------------------------------------------------------------------

    def _written(self, found: Merge) -> Added:
        try:
            self._go_on()
            made = found.write()
            if self._ending.is_set():
                raise GivenUp
            return made
        except Exception:
            self._shelf.discard(found.path)
            raise

    def _go_on(self) -> None:
        if self._ending.is_set() or not self._has_room():
            raise GivenUp

    def _while_going_on(self, parts: Iterator[T]) -> Iterator[T]:
        for part in parts:
            self._go_on()
            yield part

    def _merge_runs(self, number: int, due: Sequence[OnFile]) -> Added:
        runs = [run for _, run in due]
        for run in runs:
            run.check()
            self._go_on()
        return Added(runs=(self._shelf.write_run(number, runs, self._go_on),))

    def _merge_segments(self, planned: Segment, old: Sequence[Segment]) -> Added:
        root = self._shelf.root
        for part in old:
            whole.check(root, part)
            self._go_on()
        inputs = [segment.row_groups(root / part.path, part.table_name) for part in old]
        made = self._shelf.write_segment(planned, self._while_going_on(merge.merged(planned.table_name, inputs)))
        whole.check(root, made)  # read back before what it stands for leaves the manifest
        return Added(segments=(made,))

"""The steps of runs that were replayed lately, kept for the next window: each window would read the whole run again.

A run is replayed in windows, one after the other. What was made of it serves as long as no event touched a trace of it
and no other run begins with the same digits, which the index of known traces and runs says in a millisecond.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ledger.store.settled import Stretch
from ledger.store.snapshot import Snapshot
from queries.connect import shown
from queries.narrow import Touched, of_run, touched
from queries.replay.replay import Replay, all_steps, replay
from queries.runs import Row, one_run


@dataclass(frozen=True)
class Bounds:
    """Limits on what is kept, each with its reason."""

    steps_max: int = 50_000
    """Of one run; of a longer one each window is made anew: all its steps at once would take too much memory."""
    bytes_max: int = 64 << 20
    """Of all runs: 300 bytes a step make 20 of the longest that are kept."""
    runs_max: int = 64
    """Short ones must not be many thousands."""


DEFAULTS = Bounds()


@dataclass(frozen=True)
class Whole:
    """All steps of a run, and what they were made of."""

    touched: Touched
    settled: Sequence[Stretch]
    run: Row
    steps: pa.Table

    def still(self, state: Snapshot) -> bool:
        """Whether `state` says the same. A run that is open may be settled without being touched."""
        as_open = self.run["state"] != "open" or self.settled == state.settled
        return as_open and self.touched.still(state)

    @property
    def nbytes(self) -> int:
        return int(self.steps.nbytes) + self.touched.nbytes


class Kept:
    """Replays runs. Threads may share it."""

    def __init__(self, bounds: Bounds = DEFAULTS) -> None:
        self._bounds = bounds
        self._wholes: OrderedDict[str, Whole] = OrderedDict()
        self._lock = threading.Lock()

    def replay(self, connection: duckdb.DuckDBPyConnection, run_id: str, first: int, count: int) -> Replay:
        """As `queries.replay.replay.replay`, of the ledger that `connection` shows, not narrowed."""
        whole = self._current(connection, run_id)
        if whole is None:
            with of_run(connection, run_id) as narrow:
                run = one_run(narrow, run_id)
                if int(str(run["spans"] or 0)) > self._bounds.steps_max:
                    return replay(narrow, run_id, first, count)
                whole_id = str(run["run_id"])
                from_what = touched(narrow, shown(connection), run_id, whole_id)
                whole = Whole(from_what, shown(connection).settled, run, all_steps(narrow, whole_id))
            self._keep(run_id, whole)
        return Replay(whole.run, whole.steps.slice(first - 1, count).to_pylist(), first, whole.steps.num_rows)

    @property
    def bytes(self) -> int:
        """Of all that is kept."""
        return sum(whole.nbytes for whole in self._wholes.values())

    def __len__(self) -> int:
        return len(self._wholes)

    def _current(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> Whole | None:
        with self._lock:
            whole = self._wholes.get(run_id)
            if whole is not None:
                self._wholes.move_to_end(run_id)
        if whole is None or not whole.still(shown(connection)):
            return None
        return whole

    def _keep(self, run_id: str, whole: Whole) -> None:
        if whole.nbytes > self._bounds.bytes_max:
            return
        with self._lock:
            self._wholes.pop(run_id, None)
            self._wholes[run_id] = whole
            while self.bytes > self._bounds.bytes_max or len(self._wholes) > self._bounds.runs_max:
                self._wholes.popitem(last=False)

"""One consistent state of the ledger for a reader: taken in one transaction, needs no lock, never blocks the poster.

The files it names stay for at least `replaced_keep_s` after they left the manifest; hold a snapshot no longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ledger.errors import NotFound
from ledger.paths import DataDir
from ledger.schema import ARROW
from ledger.store import hot, manifest, traces, whole
from ledger.store.settled import STATE, Stretch, stretches


@dataclass(frozen=True)
class HotPart:
    table_name: str
    rows: pa.Table


@dataclass(frozen=True)
class Snapshot:
    """The rows of every table are those of its segments and its hot rows together."""

    cursor: int
    root: Path
    manifest: tuple[manifest.Segment, ...]
    hot_parts: Mapping[int, HotPart] = field(repr=False)
    runs: tuple[traces.Run, ...] = field(repr=False, default=())
    """The index of known traces and runs."""
    catalog_inode: int = 0
    """Which ledger it is: a rebuild makes another."""
    settled: tuple[Stretch, ...] = ()
    """Which stretches of the journal are settled."""

    @classmethod
    def take(cls, data: DataDir, previous: "Snapshot | None" = None) -> "Snapshot":
        """The ledger now. `previous` spares reading hot rows again that it has. Raises NotFound, Incompatible."""
        if not data.catalog.exists():
            raise NotFound(
                f"{data.root}: no ledger here (looked for {data.catalog}); start one with "
                f"`spanledger serve --data {data.root}`, or `spanledger import` a file into it"
            )
        known = previous.hot_parts if previous is not None and previous.root == data.ledger else {}
        inode = data.catalog.stat().st_ino  # before the rows: a rebuild may put a newer ledger in place, never an older
        db = manifest.open_read_only(data.catalog)
        try:
            db.execute("BEGIN")
            manifest.check_versions(db, data.catalog)
            cursor = manifest.get_meta(db, "cursor")
            segments = tuple(manifest.segments(db))
            ids = [row[0] for row in db.execute("SELECT hot_id FROM hot ORDER BY hot_id")]
            bodies = {
                hot_id: db.execute("SELECT table_name, body FROM hot WHERE hot_id = ?", (hot_id,)).fetchone()
                for hot_id in ids
                if hot_id not in known
            }
            records = manifest.trace_runs(db)
            state = db.execute("SELECT body FROM state WHERE name = ?", (STATE,)).fetchone()
            hot_pairs = [row[0] for row in db.execute("SELECT body FROM trace_hot ORDER BY hot_id")]
            db.execute("COMMIT")
        finally:
            db.close()
        parts = {
            hot_id: known[hot_id] if hot_id in known else HotPart(bodies[hot_id][0], hot.decode(*bodies[hot_id]))
            for hot_id in ids
        }
        mapped = {run.path: run for run in previous.runs} if previous is not None else {}
        runs = [
            mapped.get(data.ledger / record.path) or traces.Run.open(data.ledger / record.path) for record in records
        ]
        runs.append(traces.hot_run(hot_pairs))
        return cls(cursor, data.ledger, segments, parts, tuple(runs), inode, stretches(state and state[0]))

    def segments(self, table: str) -> list[Path]:
        """Files with rows of `table`, each of them whole. Raises Corrupt."""
        parts = [part for part in self.manifest if part.table_name == table]
        for part in parts:
            whole.check(self.root, part)
        return [self.root / part.path for part in parts]

    def hot(self, table: str) -> pa.Table:
        parts = [part.rows for part in self.hot_parts.values() if part.table_name == table]
        return pa.concat_tables(parts) if parts else ARROW[table].empty_table()

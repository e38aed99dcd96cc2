"""How far the ledger is: the last event posted and the last one durable."""

from dataclasses import dataclass

from ledger.errors import NotFound
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.store import manifest

NOTHING = -1


@dataclass(frozen=True)
class Progress:
    """`event_seq` of the last event posted and of the last one durable; -1 for none."""

    posted_seq: int
    durable_seq: int

    @property
    def lag_events(self) -> int:
        """Events that are durable and not yet in the ledger."""
        return max(0, self.durable_seq - self.posted_seq)


def posted_seq(data: DataDir) -> int:
    """Last event posted, -1 where there is no ledger yet."""
    if not data.catalog.is_file():
        return NOTHING
    db = manifest.open_read_only(data.catalog)
    try:
        return manifest.get_meta(db, "cursor")
    finally:
        db.close()


@dataclass(frozen=True)
class Version:
    """What the catalog holds now: another ledger, a commit, a flush or a merge each give another one."""

    catalog_inode: int
    cursor: int
    last_file: int


def version(data: DataDir) -> Version:
    """Raises NotFound where there is no ledger."""
    if not data.catalog.is_file():
        raise NotFound(f"{data.root}: no ledger here (looked for {data.catalog})")
    db = manifest.open_read_only(data.catalog)
    try:
        return Version(data.catalog.stat().st_ino, manifest.get_meta(db, "cursor"), manifest.get_meta(db, "file"))
    finally:
        db.close()


def progress(data: DataDir) -> Progress:
    reader = JournalReader(data)
    try:
        return Progress(posted_seq(data), reader.durable_seq())
    finally:
        reader.close()

"""Make the ledger anew from the journal, beside the one in use, and put it in its place."""

import sqlite3
from collections.abc import Callable

from ledger.errors import LedgerError
from ledger.journal.disk import POSIX, Disk
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post import swap
from ledger.post.duplicates import SameSpan
from ledger.post.poster import Poster, PosterOptions, SpansIn
from ledger.post.telemetry import Decode
from ledger.seams import Clock
from ledger.store.manifest import Connect
from ledger.store.options import StoreOptions


def rebuild(
    data: DataDir,
    decode: Decode,
    same_span: SameSpan,
    *,
    clock: Clock,
    progress: Callable[[int, int], None] = lambda _posted, _of: None,
    options: PosterOptions = PosterOptions(),
    store_options: StoreOptions = StoreOptions(),
    spans_in: SpansIn = lambda _event: 1,
    disk: Disk = POSIX,
    connect: Connect = sqlite3.connect,
) -> int:
    """Post the whole journal into a new ledger and swap it in. Returns the events posted.

    Decides nothing and appends nothing. The ledger in use answers until the swap; a rebuild that is interrupted leaves
    it as it was or, once the new one is complete, gives way to that (see `swap`). Raises Locked while a poster runs
    on `data`.
    """
    disk.mkdir(data.ledger)
    disk.mkdir(data.run)
    lock = disk.lock(data.ledger, data.run / "poster")
    try:
        aside = swap.rebuilt(data)
        disk.remove_tree(aside.ledger)
        with JournalReader(data, disk) as reader:
            end = reader.durable_seq()
        poster = Poster(
            aside, decode, same_span, clock=clock, options=options, store_options=store_options, spans_in=spans_in,
            disk=disk, connect=connect,
        )  # fmt: skip
        posted = _post_all(poster, end, progress)
        swap.put_in_place(disk, data)
    finally:
        lock.release()
    return posted


def _post_all(poster: Poster, end: int, progress: Callable[[int, int], None]) -> int:
    try:
        while poster.cursor < end:
            if not poster.step():
                raise LedgerError(f"event {end} of the journal is durable, but reading stopped at {poster.cursor}")
            progress(poster.cursor, end)
        return poster.cursor + 1
    finally:
        poster.close()

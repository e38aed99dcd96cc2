"""Make the ledger anew from the journal, beside the one in use, and put it in its place."""

import shutil
from collections.abc import Callable
from dataclasses import replace

from ledger.errors import LedgerError
from ledger.journal.lock import DirectoryLock
from ledger.journal.read import JournalReader
from ledger.paths import DataDir
from ledger.post.duplicates import SameSpan
from ledger.post.poster import Poster, PosterOptions
from ledger.post.telemetry import Decode
from ledger.seams import Clock
from ledger.store.catalog import StoreOptions

REBUILT = "ledger.rebuilt"
REPLACED = "ledger.replaced"


def rebuild(
    data: DataDir,
    decode: Decode,
    same_span: SameSpan,
    *,
    clock: Clock,
    progress: Callable[[int, int], None] = lambda _posted, _of: None,
    options: PosterOptions = PosterOptions(),
    store_options: StoreOptions = StoreOptions(),
) -> int:
    """Post the whole journal into a new ledger and swap it in. Returns the events posted.

    Decides nothing and appends nothing. The ledger in use answers until the swap; a rebuild that is interrupted leaves
    it as it was. Raises Locked while a poster runs on `data`.
    """
    data.ledger.mkdir(parents=True, exist_ok=True)
    lock = DirectoryLock.take(data.ledger, data.run / "poster")
    try:
        aside = replace(data, ledger_name=REBUILT)
        shutil.rmtree(aside.ledger, ignore_errors=True)
        posted = _post_all(aside, decode, same_span, clock, progress, options, store_options)
        _swap(data, aside)
    finally:
        lock.release()
    return posted


def _post_all(
    aside: DataDir,
    decode: Decode,
    same_span: SameSpan,
    clock: Clock,
    progress: Callable[[int, int], None],
    options: PosterOptions,
    store_options: StoreOptions,
) -> int:
    reader = JournalReader(aside)
    end = reader.durable_seq()
    reader.close()
    poster = Poster(aside, decode, same_span, clock=clock, options=options, store_options=store_options)
    try:
        while poster.cursor < end:
            if not poster.step():
                raise LedgerError(f"{aside.journal}: event {end} is durable, but reading stopped at {poster.cursor}")
            progress(poster.cursor, end)
        return poster.cursor + 1
    finally:
        poster.close()


def _swap(data: DataDir, aside: DataDir) -> None:
    replaced = replace(data, ledger_name=REPLACED)
    shutil.rmtree(replaced.ledger, ignore_errors=True)
    data.ledger.rename(replaced.ledger)
    aside.ledger.rename(data.ledger)
    shutil.rmtree(replaced.ledger)

"""The events that a writer appends by itself when it opens a journal: the first ones, and `restart`."""

import json
from collections.abc import Mapping, Sequence
from importlib import metadata

from ledger.journal import kinds
from ledger.journal.file import VERSION, file_name
from ledger.journal.frame import Draft
from ledger.journal.mark import Mark
from ledger.journal.options import SHARD_EVENTS_MAX, JournalOptions
from ledger.journal.recover import Recovered

PRINCIPAL = "journal"


def first_drafts(options: JournalOptions, seed: Sequence[Draft], next_event_seq: int) -> list[Draft]:
    """What is missing of `genesis` and `seed`: all of it in a new journal, the rest where its making was cut short."""
    there = next_event_seq - options.shard * SHARD_EVENTS_MAX
    return [genesis(options), *seed][there:]


def genesis(options: JournalOptions) -> Draft:
    software = options.software or _installed_software()
    return _control(kinds.GENESIS, {"format": VERSION, "shard": options.shard, "software": software})


def restart_draft(found: Recovered | None, mark: Mark | None) -> list[Draft]:
    """A `restart` event, unless the journal is new or its last writer closed it in order."""
    if found is None or found.next_event_seq == found.header.shard * SHARD_EVENTS_MAX:
        return []
    here = (found.header.number, found.end)
    if mark is not None and mark.clean and (mark.file_number, mark.offset) == here and not found.cut.cut_bytes:
        return []
    body = {
        "cut_bytes": found.cut.cut_bytes,
        "cut_sha256": found.cut.cut_sha256,
        "durable_events_lost": _durable_events_lost(found, mark),
        "file": file_name(found.header.number),
        "offset": found.end,
        "reason": found.cut.reason or "the writer before did not close the journal",
    }
    return [_control(kinds.RESTART, body)]


def _durable_events_lost(found: Recovered, mark: Mark | None) -> int:
    """Events that the durable mark counts and the journal no longer holds: a disk that lied, a damaged last group, or
    a copy made while a writer ran. Told, not refused: what is there is whole, and such a copy must open.
    """
    return max(0, mark.event_seq - found.next_event_seq + 1) if mark is not None else 0


def _control(kind: str, body: Mapping[str, object]) -> Draft:
    data = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Draft(kind, data, principal=PRINCIPAL)


def _installed_software() -> str:
    try:
        return f"spanledger {metadata.version('spanledger')}"
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return "spanledger"

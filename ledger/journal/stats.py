"""What the writer counts, for /metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Since the writer was opened."""

    appended_events: int = 0
    appended_bytes: int = 0  # of bodies
    groups: int = 0  # writes that were synced
    sync_ns: int = 0  # time spent writing, syncing and publishing them
    failed_groups: int = 0  # groups that the disk did not take
    mark_failures: int = 0  # durable marks that could not be published at once


@dataclass(frozen=True, slots=True)
class JournalStats:
    """The counters, and what is so now."""

    queued_events: int
    queued_bytes: int
    appended_events: int
    appended_bytes: int
    groups: int
    sync_ns: int
    overloaded: int  # drafts that there was no room for in the queue
    failed_groups: int
    mark_failures: int
    sealed_files: int
    seal_failures: int
    file_number: int
    file_bytes: int
    last_event_seq: int

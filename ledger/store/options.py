"""Bounds of the store, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreOptions:
    """How many rows and files there may be, how large, and how long."""

    flush_rows: int = 50_000
    """Hot rows of any one table before all become Parquet: a reader decodes all of them at each snapshot."""
    flush_bytes: int = 32 << 20
    """The same bound for rows with long content: they are mirrored in memory. A full commit of such spans reaches it,
    so that a poster which catches up writes them once."""
    flush_age_s: float = 30.0
    """A quiet ledger is flushed too, so that other programs find its rows in the files."""
    replaced_keep_s: float = 600.0
    """How long a replaced file stays: longer than any query may run."""
    segment_fan_in: int = 16
    """Each tier rewrites its rows once, at 2 to 6 us a span: two or three times up to the largest file. At most 15
    files a tier remain, 60 a table and day in four tiers."""
    segment_bytes_min: int = 64 << 10
    """The lowest tier: what a quiet half minute leaves."""
    segment_bytes_max: int = 256 << 20
    """A segment of this size is left alone: 140 of them are over a thousand million spans without content in a day."""
    merge_free_bytes_min: int = 64 << 20
    """What a merge must leave free on the disk, beside its own files: above the 16 MiB at which the journal stops."""
    merge_files_waiting_max: int = 128
    """Files of one table and day that may wait for a merge under way: past it every commit waits a second for that
    merge, so that fewer than the 200 remain beyond which questions get slow."""
    run_fan_in: int = 4
    """Runs of traces are all asked at each probe, so fewer of them stay than of segments."""
    run_pairs_min: int = 1 << 14
    """The lowest tier of runs."""

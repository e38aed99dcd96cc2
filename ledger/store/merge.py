"""Which files to merge: size tiers, so that every row is rewritten a bounded number of times and few files remain.

A tier holds files within a factor of `FAN_IN` in size; once a tier of one table, shard and day holds `FAN_IN` files,
they become one of the next tier. At most FAN_IN - 1 files a tier remain, and files at the size limit are left alone.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

FAN_IN = 8
"""8 gives at most 7 files a tier; with 5 tiers between the smallest file and the largest that is 35 a table and day."""
TIER_BYTES = 256 << 10
"""Everything up to this is the lowest tier: flushes of a quiet half minute."""

F = TypeVar("F")


def due(files: Iterable[tuple[Hashable, int, F]], *, fan_in: int, smallest: int, largest: int) -> list[F] | None:
    """The first group of files to merge, oldest first, or None. A file is (group, size, itself)."""
    tiers: dict[tuple[Hashable, int], list[tuple[int, F]]] = defaultdict(list)
    for group, size, file in files:
        if size < largest:
            tiers[group, tier(size, fan_in=fan_in, smallest=smallest)].append((size, file))
    for members in tiers.values():
        if len(members) >= fan_in:
            return [file for _, file in members[:fan_in]]
    return None


def tier(size: int, *, fan_in: int, smallest: int) -> int:
    level = 0
    while size > smallest:
        size //= fan_in
        level += 1
    return level

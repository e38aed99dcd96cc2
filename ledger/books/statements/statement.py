"""A provider's own count of one stretch of time, and the days that such counts cover whole."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ledger.errors import Refused

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """What one line says; what it does not say is None. Counts are of whole models where `model` is given."""

    model: str | None = None
    requests: int | None = None
    input_tokens: int | None = None
    """Inclusive of what was read from and written to a cache."""
    output_tokens: int | None = None
    """Inclusive of reasoning."""
    cost_usd: Decimal | None = None
    item: str | None = None
    """What it is called where it names no model."""


@dataclass(frozen=True)
class Bucket:
    """Lines of [begin, end), which lie in one day UTC."""

    source: str
    provider: str
    begin: datetime
    end: datetime
    says: frozenset[str]
    """Fields of Line that its source states; of what is in no line it says 0."""
    lines: tuple[Line, ...]

    @property
    def day(self) -> date:
        return self.begin.date()


def bucket(
    source: str, provider: str, says: Iterable[str], begin: datetime, end: datetime, lines: Iterable[Line]
) -> Bucket:
    """Raises Refused for a stretch that is none, or lies in several days."""
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    if not begin < end <= midnight:
        raise Refused(
            f"the stretch from {begin.isoformat()} to {end.isoformat()} is not within one day UTC: ask the provider "
            "for buckets of a day or less"
        )
    return Bucket(source, provider, begin, end, frozenset(says), tuple(lines))


@dataclass(frozen=True)
class Covered:
    """Buckets of the days that one source covers whole, each once; and remarks on what was left out."""

    buckets: tuple[Bucket, ...]
    remarks: tuple[str, ...]


def covered(buckets: Sequence[Bucket]) -> Covered:
    """Of `buckets`, from any number of files. Raises Refused where two of one stretch differ or overlap."""
    once = _once(buckets)
    by_day: dict[tuple[str, date], list[Bucket]] = defaultdict(list)
    for each in once:
        by_day[each.source, each.day].append(each)
    whole, remarks = list[Bucket](), list[str]()
    for (source, day), parts in sorted(by_day.items()):
        missing = DAY - sum((part.end - part.begin for part in parts), timedelta())
        if missing:
            remarks.append(f"{source} says nothing of {missing} of {day}: the day is left out")
        else:
            whole += parts
    return Covered(tuple(whole), tuple(remarks))


def _once(buckets: Sequence[Bucket]) -> list[Bucket]:
    kept = list[Bucket]()
    for each in sorted(buckets, key=lambda one: (one.source, one.begin, one.end)):
        last = kept[-1] if kept and kept[-1].source == each.source else None
        if last == each:
            continue
        if last is not None and each.begin < last.end:
            raise Refused(
                f"{each.source} says twice what was from {each.begin.isoformat()} on, and not the same: give each page "
                "once, all grouped in one way"
            )
        kept.append(each)
    return kept

"""The ledger beside what a provider says: by day UTC and model, and by day for all that the provider bills."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.books.match import Matcher
from ledger.books.reconciled import Compared
from ledger.books.statements.statement import Bucket
from queries.reconcile.causes import causes
from queries.reconcile.sides import Here, There

Row = Mapping[str, Any]
"""Of queries.reconcile.usage."""
NAMES = ("provider", "request_model", "response_model")
NAME_CHARS = 256
"""Of a model that no price book knows: telemetry may say anything."""
Key = tuple[str, date, str | None]
"""Provider, day, and model or None for all."""


def compared(
    used: Iterable[Row], buckets: Sequence[Bucket], matcher: Matcher, tolerance_usd: Decimal
) -> list[Compared]:
    """Every model that one of the two knows, and all together, on each day that `buckets` cover, in order.

    `used`: what `usage` gives for those days. Counts agree when they are equal, costs when they differ by no more than
    `tolerance_usd`: providers round.
    """
    there, here = _there(buckets, matcher), _here(used, {(each.provider, each.day) for each in buckets}, matcher)
    keys = sorted(there.keys() | here.keys(), key=lambda key: (key[0], key[1], key[2] is not None, key[2] or ""))
    for bucket in buckets:
        for key in keys:
            if key[:2] == (bucket.provider, bucket.day) and (key[2] is None or _is_by_model(bucket)):
                there[key].state(bucket.says)
    return [_beside(key, here[key], there[key], tolerance_usd) for key in keys]


def _is_by_model(bucket: Bucket) -> bool:
    """Whether a model that it does not name was not used."""
    return not bucket.lines or any(line.model is not None for line in bucket.lines)


def _there(buckets: Iterable[Bucket], matcher: Matcher) -> dict[Key, There]:
    found: dict[Key, There] = defaultdict(There)
    for bucket in buckets:
        for line in bucket.lines:
            found[bucket.provider, bucket.day, None].add(line)
            if line.model is not None:
                _, model = _named(matcher, bucket.provider, line.model, None)
                found[bucket.provider, bucket.day, model].add(line)
    return found


def _here(used: Iterable[Row], covered: set[tuple[str, date]], matcher: Matcher) -> dict[Key, Here]:
    found: dict[Key, Here] = defaultdict(Here)
    for row in used:
        provider, model = _named(matcher, *(row[name] for name in NAMES))
        if (provider, row["day"]) in covered:
            figures = Here(**{name: value for name, value in row.items() if name not in (*NAMES, "day")})
            for of in (model, None):
                found[provider, row["day"], of].add(figures)
    return found


def _named(matcher: Matcher, provider: str | None, request: str | None, response: str | None) -> tuple[str, str]:
    """Provider and model as the price book calls them, so that one model has one name on both sides."""
    offer = matcher.find(provider, request, response).offer
    return (offer.provider, offer.model) if offer else (provider or "", (response or request or "unknown")[:NAME_CHARS])


def _beside(key: Key, here: Here, there: There, tolerance_usd: Decimal) -> Compared:
    provider, day, model = key
    found = Compared(
        provider, day.isoformat(), model,
        here.calls, there.requests,
        here.input_tokens, there.input_tokens,
        here.output_tokens, there.output_tokens,
        here.cost_usd, there.cost_usd,
        agrees=_counts_agree(here, there) and _costs_agree(here, there, tolerance_usd),
    )  # fmt: skip
    return found if found.agrees else replace(found, causes=tuple(causes(found, here, there)))


def _counts_agree(here: Here, there: There) -> bool:
    sides = (
        (here.calls, there.requests),
        (here.input_tokens or 0, there.input_tokens),
        (here.output_tokens or 0, there.output_tokens),
    )
    return all(theirs is None or mine == theirs for mine, theirs in sides)


def _costs_agree(here: Here, there: There, tolerance_usd: Decimal) -> bool:
    if there.cost_usd is None:
        return True
    return not here.unpriced and abs(there.cost_usd - (here.cost_usd or 0)) <= tolerance_usd

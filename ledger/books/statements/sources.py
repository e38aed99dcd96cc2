"""How each provider's files are read: one row a source. Another source is one function and one line of SOURCES.

OpenAI: GET /v1/organization/costs and /v1/organization/usage/*
(https://platform.openai.com/docs/api-reference/usage). Anthropic: GET /v1/organizations/cost_report and
/v1/organizations/usage_report/messages (https://platform.claude.com/docs/en/api/admin/cost_report/retrieve).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from json import loads
from typing import Any

from ledger.books.statements.statement import Bucket, Line, bucket
from ledger.errors import Refused
from ledger.money import from_pico, to_pico

FILE_BYTES_MAX = 64 << 20
COUNT_MAX = 10**15
"""Of tokens or requests in one line: beyond it nothing would add up in 64 bits."""
USD_MAX = Decimal(10) ** 12
_USAGE = re.compile(r"organization\.usage\.(\w+)\.result")
"""Each endpoint, such as completions or embeddings, counts for itself."""
_CENTS = -2
"""As a power of ten."""


@dataclass(frozen=True)
class Source:
    """`told_by`: whether a line is of this source. `line`: what it says, in the fields `says` of Line."""

    name: str
    provider: str
    says: tuple[str, ...]
    told_by: Callable[[Mapping[str, Any]], bool]
    line: Callable[[Mapping[str, Any]], Line]


@dataclass(frozen=True)
class Read:
    """What a file holds, and whether its provider has further pages of it."""

    buckets: tuple[Bucket, ...]
    has_more: bool


def read(body: bytes) -> Read:
    """One saved answer, or a JSON array of several. Raises Refused, saying what of it is no statement."""
    if len(body) > FILE_BYTES_MAX:
        raise Refused(f"{len(body)} bytes, at most {FILE_BYTES_MAX} are read of one file")
    try:
        said = loads(body, parse_float=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Refused(f"no JSON: {error}") from error
    pages = said if isinstance(said, list) else [said]
    buckets = tuple(each for page in pages for each in _page(page))
    return Read(buckets, bool(pages) and pages[-1].get("has_more") is True)


def _page(page: Any) -> Iterator[Bucket]:
    """None where no stretch has a line: then nothing says whose the page is."""
    stretches = [(said, _results(said)) for said in _list(page, "data")]
    first = next((results[0] for _, results in stretches if results), None)
    if first is None:
        return
    source = _source_of(first)
    name = f"{source.name} {endpoint[1]}" if (endpoint := _USAGE.fullmatch(str(first.get("object")))) else source.name
    for said, results in stretches:
        begin, end = _moments(said)
        yield bucket(name, source.provider, source.says, begin, end, [_line(source, result) for result in results])


def _results(said: Any) -> list[Any]:
    return _list(said, "results" if isinstance(said, dict) and "results" in said else "result")


def _list(said: Any, name: str) -> list[Any]:
    found = said.get(name) if isinstance(said, dict) else None
    if not isinstance(found, list):
        raise Refused(f"an object with an array `{name}` expected, {_short(said)} found")
    return found


def _source_of(result: Any) -> Source:
    if isinstance(result, dict):
        for source in SOURCES:
            if source.told_by(result):
                return source
    known = ", ".join(source.name for source in SOURCES)
    raise Refused(f"{_short(result)} is of no source that can be read: {known}")


def _line(source: Source, result: Any) -> Line:
    if not isinstance(result, dict) or not source.told_by(result):
        raise Refused(f"{_short(result)} stands among lines of {source.name}")
    return source.line(result)


def _moments(said: Mapping[str, Any]) -> tuple[datetime, datetime]:
    try:
        if "starting_at" in said:
            return _rfc3339(said["starting_at"]), _rfc3339(said["ending_at"])
        return _unix(said["start_time"]), _unix(said["end_time"])
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise Refused(f"when {_short(said)} begins and ends cannot be read: {error}") from error


def _rfc3339(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unix(seconds: Any) -> datetime:
    if type(seconds) is not int:
        raise ValueError(f"{seconds!r} is no number of seconds")
    return datetime.fromtimestamp(seconds, UTC)


# --- lines --------------------------------------------------------------------------------------------------------


def _openai_cost(result: Mapping[str, Any]) -> Line:
    """`line_item`, where the answer is grouped by it, is a model and what of it is billed: `gpt-4o-2024-08-06, input`;
    or something that is no model's."""
    amount = result.get("amount")
    if not isinstance(amount, dict) or str(amount.get("currency")).lower() != "usd":
        raise Refused(f"an amount in USD expected, {_short(amount)} found")
    item = _text(result, "line_item")
    model, comma, _ = (item or "").partition(", ")
    return Line(model=model if comma else None, cost_usd=_usd(amount.get("value")), item=item)


def _openai_usage(result: Mapping[str, Any]) -> Line:
    return Line(
        model=_text(result, "model"),
        requests=_count(result, "num_model_requests"),
        input_tokens=_total(result, "input_tokens", "input_audio_tokens"),  # the first counts text alone
        output_tokens=_total(result, "output_tokens", "output_audio_tokens"),
    )


def _anthropic_cost(result: Mapping[str, Any]) -> Line:
    """`amount` is in cents, as text: "123.45" is 1.2345 USD."""
    if str(result.get("currency", "USD")).upper() != "USD":
        raise Refused(f"an amount in USD expected, {_short(result)} found")
    item = _text(result, "description") or _text(result, "cost_type")
    return Line(model=_text(result, "model"), cost_usd=_usd(result.get("amount"), _CENTS), item=item)


def _anthropic_usage(result: Mapping[str, Any]) -> Line:
    written = result.get("cache_creation")
    writes = _total(written, *written) if isinstance(written, dict) else 0
    read_tokens = _total(result, "uncached_input_tokens", "cache_read_input_tokens")
    return Line(
        model=_text(result, "model"),
        input_tokens=read_tokens + writes,
        output_tokens=_total(result, "output_tokens"),
    )


_COST, _TOKENS = ("cost_usd",), ("input_tokens", "output_tokens")
SOURCES: tuple[Source, ...] = (
    Source(
        "openai costs",
        "openai",
        _COST,
        lambda result: result.get("object") == "organization.costs.result",
        _openai_cost,
    ),
    Source(
        "openai usage",
        "openai",
        ("requests", *_TOKENS),
        lambda result: _USAGE.fullmatch(str(result.get("object"))) is not None and "num_model_requests" in result,
        _openai_usage,
    ),
    Source(
        "anthropic usage_report",
        "anthropic",
        _TOKENS,
        lambda result: "uncached_input_tokens" in result,
        _anthropic_usage,
    ),
    Source(
        "anthropic cost_report",
        "anthropic",
        _COST,
        lambda result: isinstance(result.get("amount"), str) and "object" not in result,
        _anthropic_cost,
    ),
)


def _text(result: Mapping[str, Any], name: str) -> str | None:
    found = result.get(name)
    if found is not None and not isinstance(found, str):
        raise Refused(f"{name}: a text expected, {_short(found)} found")
    return found or None


def _count(result: Mapping[str, Any], name: str) -> int:
    found = result.get(name)
    if found is None:
        return 0
    if type(found) is not int or not 0 <= found <= COUNT_MAX:
        raise Refused(f"{name}: a count from 0 to {COUNT_MAX} expected, {_short(found)} found")
    return found


def _total(result: Mapping[str, Any], *names: str) -> int:
    return sum(_count(result, name) for name in names)


def _usd(found: Any, scale: int = 0) -> Decimal:
    """Money as its shortest text says, times 10 to the power of `scale`."""
    try:
        value = Decimal(str(found)) if isinstance(found, int | str | Decimal) and not isinstance(found, bool) else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or abs(value) > USD_MAX:
        raise Refused(f"an amount of money expected, {_short(found)} found")
    return from_pico(to_pico(value.scaleb(scale)))


def _short(found: Any) -> str:
    return repr(found)[:120]

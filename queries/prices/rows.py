"""Prices of a book as rows: a line a model, or everything that holds for one model at a moment."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa

from ledger.books.book import PriceBook
from ledger.books.match import Found, Provider
from ledger.books.rates import DAY_S
from ledger.books.reason import TEXTS
from ledger.errors import NotFound, Refused
from ledger.money import from_pico, round_half_even, to_pico

SHOWN = {
    "fresh_input_tokens": "input_mtok_usd",
    "cache_read_tokens": "cache_read_mtok_usd",
    "cache_write_tokens": "cache_write_mtok_usd",
    "output_tokens": "output_mtok_usd",
}
"""Unit -> column of the list: the ordinary price of a million of it, for the smallest requests."""
NAMES_MAX = 5
"""Names proposed where one is not known."""
MONEY = pa.decimal128(38, 12)

Price = Mapping[str, Any]


def holds(price: Price, at_ns: int) -> bool:
    """Whether `price` is in force at `at_ns`."""
    start, end = price["valid_from_ns"], price["valid_to_ns"]
    second = at_ns // 10**9 % DAY_S
    dated = (start is None or start <= at_ns) and (end is None or at_ns < end)
    return dated and bool(price["tod_from_s"] <= second < price["tod_to_s"])


def listing(book: PriceBook, at_ns: int, pattern: str | None = None, provider: str | None = None) -> pa.Table:
    """One row a model: its ordinary prices at `at_ns`. `pattern`: part of its name, or with `*` the whole of it."""
    wanted = None if provider is None else _provider(book, provider).id
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for price in book.rows.to_pylist():
        name = (price["provider"], price["model"])
        if (wanted is None or name[0] == wanted) and _is_like(name[1], pattern):
            row = rows.setdefault(name, {"provider": name[0], "model": name[1]})
            _add(row, price, at_ns)
    if not rows and pattern is not None:
        raise NotFound(f"no model like {pattern!r} in the price book{_near(book, pattern.strip('*'), wanted)}")
    columns = {"provider": pa.string(), "model": pa.string(), **dict.fromkeys(SHOWN.values(), MONEY)}
    schema = pa.schema([*columns.items(), ("tiered", pa.bool_()), ("contexts", pa.string())])
    return pa.Table.from_pylist([_row(row) for _, row in sorted(rows.items())], schema=schema)


def _add(row: dict[str, Any], price: Price, at_ns: int) -> None:
    if not holds(price, at_ns):
        return
    if price["context"]:
        row.setdefault("contexts", set()).add(price["context"])
    elif price["tier_from"]:
        row["tiered"] = True
    elif price["unit"] in SHOWN:
        row[SHOWN[price["unit"]]] = a_million(price)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"tiered": row.get("tiered", False), "contexts": ", ".join(sorted(row.get("contexts", ())))}


def a_million(price: Price) -> Decimal:
    """What a million units cost."""
    return from_pico(round_half_even(to_pico(price["price_usd"]) * 10**6, price["per"]))


def _is_like(model: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    text, wanted = model.lower(), pattern.lower()
    return fnmatchcase(text, wanted) if "*" in wanted else wanted in text


COLUMNS = (
    "provider", "model", "unit", "context", "price_usd", "per", "tier_from", "tier_to", "tier_rule", "valid_from",
    "valid_to", "time_of_day", "price_id", "note",
)  # fmt: skip


def shown(book: PriceBook, name: str, at_ns: int | None, provider: str | None = None) -> tuple[pa.Table, str]:
    """Every price of the model called `name` (perhaps `provider/model`) that holds at `at_ns`, or ever; and a remark on
    how it was found. Raises NotFound with the nearest names."""
    found = _find(book, name, provider)
    if found.offer is None:
        raise _unknown(book, name, provider, found)
    offer = (found.offer.provider, found.offer.model)
    prices = [
        price
        for price in book.rows.to_pylist()
        if (price["provider"], price["model"]) == offer and (at_ns is None or holds(price, at_ns))
    ]
    remark = "; ".join(text for flag, text in TEXTS.items() if found.reason & flag)
    return table(prices), remark


def table(prices: Iterable[Price]) -> pa.Table:
    """Rows of a book with their dates as times."""
    rows = [
        {
            **price,
            "valid_from": _time(price["valid_from_ns"]),
            "valid_to": _time(price["valid_to_ns"]),
            "time_of_day": _time_of_day(price),
        }
        for price in prices
    ]
    times = dict.fromkeys(("valid_from", "valid_to"), pa.timestamp("us"))
    whole = dict.fromkeys(("per", "tier_from", "tier_to"), pa.int64())
    kinds = {**dict.fromkeys(COLUMNS, pa.string()), "price_usd": MONEY, **times, **whole}
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))


def _time(ns: int | None) -> int | None:
    return None if ns is None else ns // 1_000


def _time_of_day(price: Price) -> str | None:
    start, end = price["tod_from_s"], price["tod_to_s"]
    return None if (start, end) == (0, DAY_S) else f"{_clock(start)}-{_clock(end)} UTC"


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _find(book: PriceBook, name: str, provider: str | None) -> Found:
    """As pricing finds it; without a provider also by `provider/model`, which is how books and gateways write it."""
    found = book.matcher.find(provider, name, None)
    head, slash, model = name.partition("/")
    if found.offer is None and provider is None and slash:
        prefixed = book.matcher.find(head, model, None)
        return prefixed if prefixed.offer else found
    return found


def _unknown(book: PriceBook, name: str, provider: str | None, found: Found) -> Exception:
    if provider is not None:
        _provider(book, provider)
    if found.ambiguous:
        sellers = sorted({p.id for p in book.matcher.providers.values() if p.model(name.lower())})
        return Refused(
            f"{name}: several providers sell it at different prices: give --provider, one of {', '.join(sellers)}"
        )
    return NotFound(f"{name}: the price book knows no such model{_near(book, name, provider)}")


def _provider(book: PriceBook, name: str) -> Provider:
    known = book.matcher.provider(name.lower().strip())
    if known is None:
        near = get_close_matches(name.lower(), list(book.matcher.providers), NAMES_MAX, 0.5)
        raise NotFound(f"the price book knows no provider {name!r}{_proposed(near)}")
    return known


def _near(book: PriceBook, name: str, provider: str | None) -> str:
    known = book.matcher.provider((provider or "").lower().strip())
    sellers = [known] if known else list(book.matcher.providers.values())
    names = {model.lower(): model for seller in sellers for model in seller.models}
    near = get_close_matches(name.lower().rpartition("/")[2], list(names), NAMES_MAX, 0.5)
    return _proposed([names[each] for each in near])


def _proposed(names: list[str]) -> str:
    return f"; the nearest names are {', '.join(names)}" if names else ""

"""How two price books differ, and what is odd in one."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from ledger.books.book import PriceBook
from ledger.books.format import SCHEMA
from ledger.books.units import POSITION, TIER_CONTEXTS, TOOL_UNITS
from ledger.money import PICO_PER_USD, to_pico
from queries.prices.rows import MONEY, Price, table

_KEY = ("provider", "model", "context", "unit", "valid_from_ns", "tod_from_s", "tier_from")
_SAME = ("price_usd", "per", "valid_to_ns", "tod_to_s", "tier_to", "tier_rule")
CHANGES = ("added", "removed", "changed")
_COLUMNS = ("provider", "model", "unit", "context", "tier_from", "valid_from", "time_of_day")
USD_A_TOKEN_MAX = PICO_PER_USD // 1_000
"""A tenth of a cent a token, $1,000 a million: dearer than any model sold yet."""
_CONTEXTS = frozenset({"", *TIER_CONTEXTS.values()})


def difference(old: PriceBook, new: PriceBook) -> pa.Table:
    """One row a price that is in one book only, or not the same in both: `change`, which price, before and after."""
    before, after = _by_key(old), _by_key(new)
    changes = {
        key: _change(before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys(), key=_order)
    }
    differing = [key for key, change in changes.items() if change]
    which = table(after.get(key) or before[key] for key in differing)
    columns = {
        "change": pa.array([changes[key] for key in differing], pa.string()),
        **{name: which[name] for name in _COLUMNS},
        "before_usd": _costs(before, differing),
        "after_usd": _costs(after, differing),
        "per": which["per"],
    }
    return pa.table(columns)


def _costs(prices: Mapping[tuple[Any, ...], Price], keys: list[tuple[Any, ...]]) -> pa.Array:
    return pa.array([prices[key]["price_usd"] if key in prices else None for key in keys], MONEY)


def _by_key(book: PriceBook) -> dict[tuple[Any, ...], Price]:
    return {tuple(price[name] for name in _KEY): price for price in book.rows.to_pylist()}


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is not None, value) for value in key)


def _change(before: Price | None, after: Price | None) -> str | None:
    if before is None or after is None:
        return "added" if before is None else "removed"
    return "changed" if any(before[name] != after[name] for name in _SAME) else None


def oddities(book: PriceBook) -> pa.Table:
    """Rows of the book that a person should look at, each with what is odd. None of them keeps a book from being
    used."""
    prices = book.rows.to_pylist()
    fresh = {_card(price): price for price in prices if price["unit"] == "fresh_input_tokens"}
    rows = [
        {**{name: price[name] for name in ("price_id", "price_usd", "per")}, "odd": odd}
        for price in prices
        for odd in _odd(price, fresh)
    ]
    kinds = [("price_id", pa.string()), ("price_usd", MONEY), ("per", pa.int64()), ("odd", pa.string())]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _card(price: Price) -> tuple[Any, ...]:
    return tuple(price[name] for name in _KEY if name != "unit")


def _odd(price: Price, fresh: Mapping[tuple[Any, ...], Price]) -> Iterator[str]:
    pico, per = to_pico(price["price_usd"]), price["per"]
    if price["note"]:
        yield price["note"]
    if price["unit"] not in POSITION:
        yield "nothing is charged by this unit yet"
    elif price["unit"] in TOOL_UNITS:
        yield "a book prices models: what a tool costs is a price of your own"
    elif price["context"] not in _CONTEXTS:
        yield "no service tier names this context"
    if price["unit"].endswith("_tokens") and pico > USD_A_TOKEN_MAX * per:
        yield "dearer than $1,000 a million tokens"
    whole = fresh.get(_card(price))
    if price["unit"] == "cache_read_tokens" and whole and pico * whole["per"] > to_pico(whole["price_usd"]) * per:
        yield "a token from the cache costs more than a fresh one"


def clauses(book: PriceBook) -> int:
    """How many models the book tells apart."""
    return sum(len(provider.models) for provider in book.matcher.providers.values())


assert set(_KEY) | set(_SAME) <= set(SCHEMA.names)
